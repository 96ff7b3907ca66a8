import numpy as np
import pytest

from analognas.tasks.audio.background import draw_mixture, draw_pieces, pink_noise

RATE = 8_000


def test_pink_noise_loses_three_decibels_an_octave() -> None:
    noise = pink_noise(RATE, np.random.default_rng(0))
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(0.1, rel=1e-3)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequency = np.fft.rfftfreq(len(noise), 1 / RATE)
    octaves = [power[(frequency >= f) & (frequency < 2 * f)].mean() for f in (100, 200, 400, 800)]
    np.testing.assert_allclose(10 * np.diff(np.log10(octaves)), -3.0, atol=0.5)


@pytest.mark.parametrize("snr", [0.0, 10.0, 20.0])
def test_the_ratio_is_what_was_asked_for(snr: float) -> None:
    rng = np.random.default_rng(0)
    clips = 0.05 * rng.standard_normal((4, RATE)).astype(np.float32)
    noise = draw_mixture([pink_noise(RATE, rng)], 4, RATE, (snr, snr), rng).apply(clips) - clips
    ratio = 10 * np.log10((clips**2).mean(axis=1) / (noise**2).mean(axis=1))
    np.testing.assert_allclose(ratio, snr, atol=0.1)


def test_silent_clips_get_noise_too_and_nothing_leaves_the_range() -> None:
    rng = np.random.default_rng(0)
    mixture = draw_mixture([pink_noise(RATE, rng)], 2, RATE, (-20, -20), rng)
    noisy = mixture.apply(np.zeros((2, RATE), np.float32))
    assert 0 < np.abs(noisy).max() <= 1


def test_pieces_come_from_long_enough_recordings() -> None:
    rng = np.random.default_rng(0)
    recordings = [np.zeros(5, np.float32), np.arange(100, dtype=np.float32)]
    drawn = draw_pieces(recordings, 50, 10, rng)
    found = drawn.cut()
    assert (drawn.cut(slice(20, 30)) == found[20:30]).all()
    assert found.shape == (50, 10)
    assert (np.diff(found, axis=1) == 1).all()
    with pytest.raises(ValueError, match="more than 10 samples"):
        draw_pieces([np.zeros(5, np.float32)], 1, 10, rng)
