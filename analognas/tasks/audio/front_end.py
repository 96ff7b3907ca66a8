"""Spectral features of short clips: log-mel spectrograms and the MFCC of MLPerf Tiny.

    frames    n = floor((samples - window) / hop) + 1 Hann-windowed pieces of the clip
    mel       |FFT(frame)| times triangles that are linear in mel, m(f) = 1127 ln(1 + f / 700 Hz)
    log-mel   ln(mel + 1e-6)
    MFCC      c_k = sqrt(2 / M) Σ_m logmel_m cos(π k (m + 1/2) / M), the first of them

A clip of 1 s at a window of 30 ms and a hop of 20 ms has 49 frames; with ten coefficients this is the 49 × 10 input of
MLPerf Tiny's keyword spotting (40 mel bands from 20 to 4000 Hz, FFT of the next power of two). Clips are scaled to a
largest magnitude of 1 first, where `peak` is set. The benchmark's own code divides by the largest positive sample
instead; silence stays as it is here.

References:
    Banbury et al., "MLPerf Tiny Benchmark", NeurIPS Datasets and Benchmarks 2021, arXiv 2106.07597.
    Davis and Mermelstein, IEEE Trans. ASSP 28:357, 1980 (MFCC).
    Young et al., "The HTK Book", 2006 (mel scale and scaling of the cosine transform).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from analognas.tasks.audio.wav import Samples

Features = npt.NDArray[np.float32]
Kind = Literal["mfcc", "log-mel"]

FLOOR: Final = 1e-6
"""Added to the mel magnitudes before the logarithm."""
BATCH: Final = 256
VERSION: Final = 1
"""Changes whenever the same clip would give other features."""


@dataclass(frozen=True)
class FrontEnd:
    """What turns clips into features.

    Attributes:
        rate_hz: sampling rate of the clips.
        clip_ms: length of a clip.
        window_ms: length of a frame.
        hop_ms: distance of two frames.
        mel_bands: triangles.
        low_hz: where the first triangle begins.
        high_hz: where the last triangle ends; at most half of `rate_hz` is used.
        kind: `mfcc` or `log-mel`.
        coefficients: of the MFCC that are kept.
        peak: scale every clip to a largest magnitude of 1.

    Raises:
        ValueError: when the bands begin beyond half the sampling rate, or one of them holds no frequency.
    """

    rate_hz: int
    clip_ms: int = 1000
    window_ms: int = 30
    hop_ms: int = 20
    mel_bands: int = 40
    low_hz: float = 20.0
    high_hz: float = 4000.0
    kind: Kind = "mfcc"
    coefficients: int = 10
    peak: bool = True

    def __post_init__(self) -> None:
        if self.low_hz >= self.rate_hz / 2:
            raise ValueError(
                f"`low_hz` below half of {self.rate_hz:,} Hz, the sampling rate, must hold, got {self.low_hz:g}"
            )
        empty = int((self._triangles.sum(axis=0) == 0).sum())
        if empty:
            raise ValueError(
                f"{empty} of `mel_bands: {self.mel_bands}` lie between two of the frequencies that a window of "
                f"{self.window_ms} ms at {self.rate_hz:,} Hz tells apart; lower `mel_bands`, or raise `window_ms`"
            )

    @property
    def samples(self) -> int:
        """Samples of a clip."""
        return self.rate_hz * self.clip_ms // 1000

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels (1), frames and features of a clip."""
        frames = (self.samples - self._window) // self._hop + 1
        return 1, frames, self.coefficients if self.kind == "mfcc" else self.mel_bands

    @property
    def identity(self) -> dict[str, Any]:
        """Everything the features depend on besides the clip."""
        return {**asdict(self), "version": VERSION}

    def features(self, clips: npt.NDArray[Any]) -> Features:
        """Return `(n, 1, frames, features)` float32.

        Args:
            clips: `(n, samples)` from -1 to 1.

        Raises:
            ValueError: when the clips have another length.
        """
        if clips.ndim != 2 or clips.shape[1] != self.samples:
            raise ValueError(f"`clips` must be (n, {self.samples}), got {clips.shape}")
        out = np.empty((len(clips), *self.shape), np.float32)
        for start in range(0, len(clips), BATCH):
            out[start : start + BATCH, 0] = self._batch(clips[start : start + BATCH].astype(np.float32))
        return out

    def from_log_mel(self, log_mel: npt.NDArray[Any]) -> Features:
        """Return the features of spectrograms `(n, frames, mel_bands)` that are logarithmic already."""
        spectra = log_mel.astype(np.float32)
        return (spectra if self.kind == "log-mel" else spectra @ self._cosines)[:, None]

    def _batch(self, clips: Samples) -> Features:
        if self.peak:
            largest = np.abs(clips).max(axis=1, keepdims=True)
            clips = np.divide(clips, np.where(largest > 0, largest, 1), dtype=np.float32)
        pieces = np.lib.stride_tricks.sliding_window_view(clips, self._window, axis=1)[:, :: self._hop]
        spectra = np.abs(np.fft.rfft(pieces * self._hann, self._n_fft, axis=-1)).astype(np.float32)
        return self.from_log_mel(np.log(spectra @ self._triangles + np.float32(FLOOR)))[:, 0]

    @property
    def _window(self) -> int:
        return self.rate_hz * self.window_ms // 1000

    @property
    def _hop(self) -> int:
        return self.rate_hz * self.hop_ms // 1000

    @property
    def _n_fft(self) -> int:
        return 1 << (self._window - 1).bit_length()

    @cached_property
    def _hann(self) -> Features:
        """The periodic window, `(window,)`."""
        phase = 2 * np.pi * np.arange(self._window) / self._window
        return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)

    @cached_property
    def _triangles(self) -> Features:
        """`(frequencies, mel_bands)`; the constant frequency belongs to no band."""
        high_hz = min(self.high_hz, self.rate_hz / 2)
        corners = np.linspace(_mel(self.low_hz), _mel(high_hz), self.mel_bands + 2)
        frequency = _mel(np.arange(self._n_fft // 2 + 1) * self.rate_hz / self._n_fft)[:, None]
        left, centre, right = corners[:-2], corners[1:-1], corners[2:]
        rising, falling = (frequency - left) / (centre - left), (right - frequency) / (right - centre)
        triangles = np.maximum(0, np.minimum(rising, falling))
        triangles[0] = 0
        return np.asarray(triangles, dtype=np.float32)

    @cached_property
    def _cosines(self) -> Features:
        """`(mel_bands, coefficients)`."""
        band, order = np.arange(self.mel_bands)[:, None] + 0.5, np.arange(self.coefficients)
        angle = math.pi / self.mel_bands * band * order
        return np.asarray(math.sqrt(2 / self.mel_bands) * np.cos(angle), dtype=np.float32)


def _mel(frequency_hz: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(np.asarray(frequency_hz) / 700.0), dtype=np.float64)
