"""Background noise under clips, at a signal-to-noise ratio drawn for each clip.

    noisy = clip + noise · rms(clip) / rms(noise) · 10^(-snr / 20)

The noise is a recording where the data set has some, otherwise pink noise: power falling as 1/f from 20 Hz. Noisy
copies of the training clips go through the front end like the clips themselves and are kept with them, so that an
epoch costs nothing more: it takes each clip clean or in one of its noisy copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True)
class Pieces:
    """Random pieces of recordings, drawn but not cut yet: large data sets are cut batch by batch.

    Attributes:
        recordings: each longer than a piece.
        length: of a piece, samples.
        chosen: `(n,)` the recording of each piece.
        starts: `(n,)` its first sample.
    """

    recordings: tuple[Samples, ...]
    length: int
    chosen: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    def cut(self, which: slice = slice(None)) -> Samples:
        """Return `(pieces, length)`."""
        places = zip(self.chosen[which].tolist(), self.starts[which].tolist(), strict=True)
        return np.stack([self.recordings[index][start : start + self.length] for index, start in places])


def draw_pieces(recordings: Sequence[Samples], n: int, length: int, rng: np.random.Generator) -> Pieces:
    """Draw `n` pieces, each recording as likely as it is long.

    Raises:
        ValueError: when no recording is longer than a piece.
    """
    usable = tuple(recording for recording in recordings if len(recording) > length)
    if not usable:
        raise ValueError(f"a recording of more than {length} samples is needed")
    room = np.array([len(recording) - length for recording in usable], dtype=np.float64)
    chosen = rng.choice(len(usable), size=n, p=room / room.sum())
    starts = np.array([rng.integers(len(usable[index]) - length) for index in chosen], dtype=np.int64)
    return Pieces(usable, length, chosen, starts)


@dataclass(frozen=True)
class Mixture:
    """Noise drawn for a number of clips.

    Attributes:
        noise: one piece a clip.
        ratio_db: `(n, 1)` signal-to-noise ratios.
    """

    noise: Pieces
    ratio_db: npt.NDArray[np.float64]

    def apply(self, clips: Samples, which: slice = slice(None)) -> Samples:
        """Return the clips numbered `which`, `(n, samples)` from -1 to 1, each with its noise below it."""
        noise = self.noise.cut(which)
        loud, noise_rms = _rms(clips), _rms(noise)
        gain = (
            np.where(loud > 0, loud, 0.1) / np.maximum(noise_rms, 1e-9) * 10 ** (-self.ratio_db[which] / 20)
        )
        return np.asarray(np.clip(clips + gain.astype(np.float32) * noise, -1, 1), dtype=np.float32)


def draw_mixture(
    recordings: Sequence[Samples], n: int, length: int, snr_db: tuple[float, float], rng: np.random.Generator
) -> Mixture:
    """Draw noise for `n` clips of `length` samples, the ratio evenly between the two of `snr_db`.

    Raises:
        ValueError: when no recording is longer than a clip.
    """
    return Mixture(draw_pieces(recordings, n, length, rng), rng.uniform(*snr_db, size=(n, 1)))


def _rms(clips: Samples) -> Samples:
    return np.asarray(np.sqrt(np.mean(clips**2, axis=1, keepdims=True)), dtype=np.float32)
