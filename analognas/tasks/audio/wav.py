"""Reads WAV files: PCM of 8, 16, 24 and 32 bit and IEEE float, mono or more channels, plain or extensible headers.

Channels are averaged. Another sampling rate is converted by a polyphase filter (`scipy.signal.resample_poly`, a
Kaiser window with β = 5). Float samples lie between -1 and 1; far beyond, somebody wrote integers as floats: they are
refused, as are compressed formats.

References:
    IBM and Microsoft, "Multimedia Programming Interface and Data Specifications 1.0", 1991 (RIFF WAVE).
"""

from __future__ import annotations

import math
import struct
from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

PCM: Final = 1
IEEE_FLOAT: Final = 3
EXTENSIBLE: Final = 0xFFFE
HEADER: Final = 12
CHUNK_HEADER: Final = 8
FORMAT_BYTES: Final = 16
SUBFORMAT_AT: Final = 24
RATES_HZ: Final = (1_000, 384_000)
LOUDEST: Final = 16.0
"""Float samples beyond it (24 dB over full scale) are integers that nobody divided by full scale."""


class WavError(ValueError):
    """Bytes that are no usable WAV file; the message says why."""


def decode_wav(content: bytes) -> tuple[Samples, int]:
    """Return `(samples,)` float32 from -1 to 1, the mean of the channels, and the sampling rate in Hz.

    Raises:
        WavError: when the file is empty, truncated, compressed, or no WAV file.
    """
    if len(content) < HEADER or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise WavError("no RIFF WAVE header")
    form: bytes | None = None
    at = HEADER
    while at + CHUNK_HEADER <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        body = content[at + CHUNK_HEADER : at + CHUNK_HEADER + size]
        if name == b"data":
            if form is None:
                raise WavError("no format before the data")
            if len(body) < size:
                raise WavError(f"truncated: {len(body):,} of {size:,} bytes of sound")
            return _decode_data(form, body)
        if name == b"fmt ":
            form = body
        at += CHUNK_HEADER + size + size % 2
    raise WavError("truncated: no data chunk")


def _decode_data(form: bytes, body: bytes) -> tuple[Samples, int]:
    if len(form) < FORMAT_BYTES:
        raise WavError("truncated format chunk")
    code, channels, rate, _, block, bits = struct.unpack("<HHIIHH", form[:FORMAT_BYTES])
    if code == EXTENSIBLE and len(form) >= SUBFORMAT_AT + 2:
        code = int.from_bytes(form[SUBFORMAT_AT : SUBFORMAT_AT + 2], "little")
    if channels < 1 or not RATES_HZ[0] <= rate <= RATES_HZ[1] or block != channels * bits // 8:
        raise WavError(
            f"senseless header: {channels} channels, {rate} Hz, {bits} bit, blocks of {block} bytes"
        )
    values = _values(code, bits, body[: len(body) // block * block])
    if not len(values):
        raise WavError("no samples")
    if not np.isfinite(values).all():
        raise WavError("samples that are not finite")
    largest = float(np.abs(values).max())
    if largest > LOUDEST:
        raise WavError(
            f"float samples must lie between -1 and 1, the largest is {largest:.4g}; divide by full scale"
        )
    return values.reshape(-1, channels).mean(axis=1, dtype=np.float32), rate


def _values(code: int, bits: int, body: bytes) -> Samples:
    match code, bits:
        case 1, 8:
            return np.float32(1 / 128) * (np.frombuffer(body, np.uint8).astype(np.float32) - np.float32(128))
        case 1, 16:
            return np.frombuffer(body, "<i2").astype(np.float32) / np.float32(2**15)
        case 1, 24:
            bytes3 = np.frombuffer(body, np.uint8).reshape(-1, 3).astype(np.int32)
            whole = bytes3[:, 0] << 8 | bytes3[:, 1] << 16 | bytes3[:, 2] << 24
            return whole.astype(np.float32) / np.float32(2**31)
        case 1, 32:
            return np.frombuffer(body, "<i4").astype(np.float32) / np.float32(2**31)
        case 3, 32 | 64:
            with np.errstate(over="ignore"):  # infinity is refused like any sample that is not finite
                return np.frombuffer(body, f"<f{bits // 8}").astype(np.float32)
        case _:
            raise WavError(f"format {code} with {bits} bit is not read: PCM of 8 to 32 bit and float are")


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
