"""Background noise under clips, at a signal-to-noise ratio drawn for each clip.

    noisy = clip + noise · rms(clip) / rms(noise) · 10^(-snr / 20)

The noise is a recording where the data set has some, otherwise pink noise: power falling as 1/f from 20 Hz. Noisy
copies of the training clips go through the front end like the clips themselves and are kept with them, so that an
epoch costs nothing more: it takes each clip clean or in one of its noisy copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analognas.tasks.audio.wav import Samples

PINK_S: Final = 30
LOWEST_HZ: Final = 20.0


def pink_noise(rate_hz: int, rng: np.random.Generator, seconds: int = PINK_S) -> Samples:
    """Return noise whose power falls as 1/f, with a root mean square of 0.1."""
    length = rate_hz * seconds
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.fft.rfftfreq(length, 1 / rate_hz)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, LOWEST_HZ)), length)
    return np.asarray(0.1 * noise / np.sqrt(np.mean(noise**2)), dtype=np.float32)


def pieces(recordings: Sequence[Samples], n: int, length: int, rng: np.random.Generator) -> Samples:
    """Return `(n, length)` random pieces of recordings, each recording as likely as it is long."""
    usable = [recording for recording in recordings if len(recording) > length]
    if not usable:
        raise ValueError(f"a recording of more than {length} samples is needed")
    room = np.array([len(recording) - length for recording in usable], dtype=np.float64)
    chosen = rng.choice(len(usable), size=n, p=room / room.sum())
    starts = [int(rng.integers(len(usable[index]) - length)) for index in chosen]
    return np.stack(
        [usable[index][start : start + length] for index, start in zip(chosen, starts, strict=True)]
    )


def with_background(
    clips: Samples, recordings: Sequence[Samples], snr_db: tuple[float, float], rng: np.random.Generator
) -> Samples:
    """Return `(n, samples)` clips, each with a piece of noise below it.

    Args:
        clips: `(n, samples)` from -1 to 1.
        recordings: noise, each longer than a clip.
        snr_db: the ratio is drawn evenly between these two.
        rng: of pieces and ratios.
    """
    noise = pieces(recordings, len(clips), clips.shape[1], rng)
    ratio = rng.uniform(*snr_db, size=(len(clips), 1))
    loud, noise_rms = _rms(clips), _rms(noise)
    gain = np.where(loud > 0, loud, 0.1) / np.maximum(noise_rms, 1e-9) * 10 ** (-ratio / 20)
    return np.asarray(np.clip(clips + gain.astype(np.float32) * noise, -1, 1), dtype=np.float32)


def _rms(clips: Samples) -> Samples:
    return np.asarray(np.sqrt(np.mean(clips**2, axis=1, keepdims=True)), dtype=np.float32)
