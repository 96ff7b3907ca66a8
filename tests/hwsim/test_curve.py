"""The difference of two curves, with chips alone and with test images."""

import math

import numpy as np
import numpy.typing as npt
import pytest

import hwsim
from hwsim.paired_bootstrap import interval


def _curve(correct: npt.NDArray[np.bool_]) -> hwsim.DriftCurve:
    return hwsim.DriftCurve(tuple(float(time) for time in range(len(correct))), correct.mean(axis=2), correct)


def _drawn(seed: int, shape: tuple[int, int, int], share: float) -> npt.NDArray[np.bool_]:
    return np.asarray(np.random.default_rng(seed).random(shape) < share)


def test_images_make_the_interval_as_wide_as_theory_says_for_one_chip() -> None:
    first, second = _curve(_drawn(0, (2, 1, 4000), 0.85)), _curve(_drawn(1, (2, 1, 4000), 0.80))
    found = first.minus(second, resample_images=True)
    assert found.interval is not None and found.interval.shape == (2, 2)
    for row in range(2):
        by_image = first.correct[row, 0].astype(float) - second.correct[row, 0]
        half = 1.96 * by_image.std() / math.sqrt(4000)
        wanted = (found.mean[row] - half, found.mean[row] + half)
        assert found.interval[row] == pytest.approx(wanted, abs=0.06 * half)
    assert found.standard_error.tolist() == [0.0, 0.0]  # of one chip


def test_equal_chips_hide_what_the_images_would_move() -> None:
    images = _drawn(2, (1, 1, 200), 0.8)
    first, second = _curve(np.repeat(images, 5, axis=1)), _curve(np.repeat(~images, 5, axis=1))
    found = first.minus(second, resample_images=True)
    assert found.standard_error[0] == 0
    low, high = found.interval[0]
    assert low < found.mean[0] - 0.05 < found.mean[0] + 0.05 < high


def test_what_both_curves_get_wrong_cancels() -> None:
    hard = _drawn(3, (1, 1, 500), 0.7)
    shared = np.repeat(hard, 8, axis=1)
    first = _curve(shared & _drawn(4, (1, 8, 500), 0.99))
    paired = first.minus(_curve(shared & _drawn(5, (1, 8, 500), 0.99)), resample_images=True)
    apart = first.minus(_curve(np.repeat(_drawn(6, (1, 1, 500), 0.7), 8, axis=1)), resample_images=True)
    widths = [float(np.diff(found.interval[0])[0]) for found in (paired, apart)]
    assert widths[0] < 0.4 * widths[1]


def test_an_interval_is_that_of_the_chips_both_have_and_of_the_seed() -> None:
    first, second = _curve(_drawn(7, (1, 6, 90), 0.8)), _curve(_drawn(8, (1, 4, 90), 0.7))
    found = first.minus(second, resample_images=True, seed=3)
    differences = first.correct[0, :4].astype(np.float32) - second.correct[0]
    assert found.interval[0].tolist() == list(interval(differences, seed=3)[1:])
    again, other = (first.minus(second, resample_images=True, seed=seed) for seed in (3, 4))
    assert np.array_equal(found.interval, again.interval)
    assert not np.array_equal(found.interval, other.interval)


def test_without_images_the_interval_is_none() -> None:
    curve = hwsim.DriftCurve((1.0,), np.array([[0.5, 0.7]]))
    assert curve.minus(curve).interval is None
    with pytest.raises(ValueError, match="`resample_images` must be False for curves without `correct`"):
        curve.minus(curve, resample_images=True)
    with pytest.raises(ValueError, match="the same images, got 5 and 6 of them"):
        _curve(_drawn(0, (1, 2, 5), 0.5)).minus(_curve(_drawn(0, (1, 2, 6), 0.5)), resample_images=True)
    with pytest.raises(TypeError, match="`resample_images` must be True or False"):
        curve.minus(curve, resample_images=1)  # type: ignore[arg-type]
