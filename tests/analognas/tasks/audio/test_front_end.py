"""The front end against the definition written out in float64, sample by sample, and against scipy's transforms."""

import numpy as np
import pytest
from scipy.fft import dct
from scipy.signal import stft

from analognas.tasks.audio.front_end import FrontEnd


def clips(n: int, rate_hz: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(rate_hz) / rate_hz
    tones = [np.sin(2 * np.pi * rng.uniform(80, 3500) * t) * np.exp(-3 * t) for _ in range(n)]
    return (0.3 * np.stack(tones) + 0.01 * rng.standard_normal((n, rate_hz))).astype(np.float32)


def reference(
    clip: np.ndarray, rate_hz: int, bands: int = 40, low: float = 20.0, high: float = 4000.0
) -> np.ndarray:
    """Log-mel in float64: scipy's short-time Fourier transform, triangles one by one."""
    clip = clip.astype(np.float64) / np.abs(clip).max()
    window, hop = rate_hz * 30 // 1000, rate_hz * 20 // 1000
    n_fft = 256 if rate_hz == 8000 else 512
    frequency, _, spectrum = stft(
        clip, rate_hz, "hann", window, window - hop, n_fft, boundary=None, padded=False, scaling="spectrum"
    )
    magnitude = np.abs(spectrum) * np.hanning(window + 1)[:-1].sum()  # undo scipy's scaling
    mel = 1127 * np.log(1 + frequency / 700)
    edges = np.linspace(1127 * np.log(1 + low / 700), 1127 * np.log(1 + high / 700), bands + 2)
    energies = np.zeros((magnitude.shape[1], bands))
    for band in range(bands):
        left, centre, right = edges[band : band + 3]
        for bin_ in range(1, len(mel)):
            if left < mel[bin_] <= centre:
                weight = (mel[bin_] - left) / (centre - left)
            elif centre < mel[bin_] < right:
                weight = (right - mel[bin_]) / (right - centre)
            else:
                continue
            energies[:, band] += weight * magnitude[bin_]
    return np.log(energies + 1e-6)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_log_mel_agrees_with_an_independent_float64_implementation(rate_hz: int) -> None:
    x = clips(3, rate_hz)
    ours = FrontEnd(rate_hz, kind="log-mel").features(x)
    assert ours.shape == (3, 1, 49, 40)
    for clip, features in zip(x, ours[:, 0], strict=True):
        np.testing.assert_allclose(features, reference(clip, rate_hz), atol=2e-3)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_the_mfcc_of_mlperf_tiny_is_the_unscaled_cosine_transform_of_htk(rate_hz: int) -> None:
    x = clips(3, rate_hz, seed=1)
    ours = FrontEnd(rate_hz).features(x)
    assert ours.shape == (3, 1, 49, 10)
    for clip, features in zip(x, ours[:, 0], strict=True):
        transformed = dct(reference(clip, rate_hz), type=2, axis=-1)[:, :10] / np.sqrt(2 * 40)
        np.testing.assert_allclose(features, transformed, atol=3e-3)


def test_loudness_does_not_matter_with_peak_and_shifts_the_first_coefficient_without() -> None:
    x = clips(2, 16_000)
    np.testing.assert_allclose(FrontEnd(16_000).features(x), FrontEnd(16_000).features(0.1 * x), atol=1e-3)
    plain = FrontEnd(16_000, peak=False)
    moved = plain.features(10 * x) - plain.features(x)
    np.testing.assert_allclose(moved[..., 0], np.log(10) * np.sqrt(2 * 40), atol=0.3)
    assert np.abs(moved[..., 1:]).max() < 1.0


def test_silence_is_finite_and_batches_do_not_matter() -> None:
    x = np.concatenate([np.zeros((1, 16_000), np.float32), clips(300, 16_000)])
    front_end = FrontEnd(16_000)
    together = front_end.features(x)
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together[:1, 0, :, 0], np.log(1e-6) * np.sqrt(2 * 40), rtol=1e-5)
    np.testing.assert_array_equal(together[-1:], front_end.features(x[-1:]))


def test_kept_spectrograms_give_the_same_coefficients() -> None:
    x = clips(2, 16_000)
    spectra = FrontEnd(16_000, kind="log-mel").features(x)[:, 0]
    np.testing.assert_allclose(
        FrontEnd(16_000).from_log_mel(spectra), FrontEnd(16_000).features(x), atol=1e-4
    )


def test_clips_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be \(n, 16000\), got \(2, 8000\)"):
        FrontEnd(16_000).features(np.zeros((2, 8000), np.float32))
