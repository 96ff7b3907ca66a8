import numpy as np
import pytest

from analognas.tasks.audio.speed import draw_speeds, played_at

RATE = 8_000
TIME = np.arange(RATE) / RATE - 0.5


def word(hertz: float, speed: float = 1.0) -> np.ndarray:
    """A tone that swells and fades about the middle of the clip, written down at any speed."""
    return (np.exp(-((8 * speed * TIME) ** 2)) * np.cos(2 * np.pi * hertz * speed * TIME)).astype(np.float32)


@pytest.mark.parametrize("speed", [50, 85, 99, 100, 118, 200])
def test_a_faster_clip_is_higher_and_shorter_about_the_same_middle(speed: int) -> None:
    played = played_at(word(100)[None], np.array([speed]))
    assert played.shape == (1, RATE)
    assert played.dtype == np.float32
    # the middle may lie between two samples: half a sample of 118 Hz is 0.05 rad
    np.testing.assert_allclose(played[0], word(100, speed / 100), atol=0.06)


def test_each_clip_has_its_own_speed() -> None:
    clips = np.stack([word(300), word(440), word(500), word(700)])
    speeds = np.array([120, 90, 120, 100])
    together = played_at(clips, speeds)
    for clip, speed, played in zip(clips, speeds, together, strict=True):
        np.testing.assert_array_equal(played, played_at(clip[None], np.array([speed]))[0])


def test_speeds_are_drawn_evenly_on_a_logarithmic_scale() -> None:
    speeds = draw_speeds(20_000, (0.8, 1.25), np.random.default_rng(0))
    assert (speeds.min(), speeds.max()) == (80, 125)
    assert np.log(speeds / 100).mean() == pytest.approx(0, abs=5e-3)
    assert (speeds < 100).mean() == pytest.approx(0.5, abs=0.03)
