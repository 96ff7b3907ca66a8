"""Sound from WAV files: PCM and IEEE float as `scipy.io.wavfile` reads them, at any sampling rate.

Channels are averaged. Another sampling rate is converted by a polyphase filter (`scipy.signal.resample_poly`, a
Kaiser window with β = 5). Float samples lie between -1 and 1; values far beyond are integers written as floats, and
are refused.
"""

from __future__ import annotations

import io
import math
import warnings
from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

LOUDEST: Final = 16.0
"""Float samples beyond it (24 dB over full scale) are integers that were not divided by full scale."""


class WavError(ValueError):
    """Bytes that are no usable WAV file; the message says why."""


def decode_wav(content: bytes) -> tuple[Samples, int]:
    """Return `(samples,)` float32 from -1 to 1, the mean of the channels, and the sampling rate in Hz.

    Raises:
        WavError: when the file is empty, truncated, compressed, or no WAV file.
    """
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", wavfile.WavFileWarning)  # of a truncated file
            warnings.filterwarnings("ignore", ".*not understood, skipping", wavfile.WavFileWarning)
            rate_hz, values = wavfile.read(io.BytesIO(content))
    except Exception as error:  # scipy's reader lets through whatever a damaged header leads to
        raise WavError(f"no readable WAV file, or a truncated one: {error}") from None
    samples = _scaled(values)
    if not samples.size:
        raise WavError("no samples")
    if not np.isfinite(samples).all():
        raise WavError("samples that are not finite")
    largest = float(np.abs(samples).max())
    if largest > LOUDEST:
        raise WavError(
            f"float samples must lie between -1 and 1, the largest is {largest:.4g}; divide by full scale"
        )
    return samples.reshape(len(samples), -1).mean(axis=1, dtype=np.float32), rate_hz


def _scaled(values: npt.NDArray[np.generic]) -> Samples:
    """Return integers as fractions of full scale, floats as they are."""
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):  # infinity is refused like any sample that is not finite
            return values.astype(np.float32)
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - np.float32(128)) / np.float32(128)
    return values.astype(np.float32) / np.float32(2.0 ** (8 * values.dtype.itemsize - 1))


def resample(samples: Samples, rate_hz: int, to_hz: int) -> Samples:
    """Return `samples` at another sampling rate.

    >>> len(resample(np.zeros(44_100, np.float32), 44_100, 16_000))
    16000
    """
    if rate_hz == to_hz:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(rate_hz, to_hz)
    return np.asarray(resample_poly(samples, to_hz // common, rate_hz // common), dtype=np.float32)


def fit_length(samples: Samples, length: int, align: str) -> Samples:
    """Return exactly `length` samples: zeros fill up a short clip, a long one is cut.

    Args:
        samples: `(n,)`.
        length: samples to return.
        align: `start` keeps the beginning, `centre` the middle.
    """
    surplus = len(samples) - length
    if surplus >= 0:
        first = surplus // 2 if align == "centre" else 0
        return samples[first : first + length]
    before = -surplus // 2 if align == "centre" else 0
    return np.pad(samples, (before, -surplus - before))
