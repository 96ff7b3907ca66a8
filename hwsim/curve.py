"""Accuracy of chips over time, and the comparison of two networks on paired chips.

References:
    Benmeziane et al., AnalogNAS, arXiv 2305.10459, 2023 (AVM: accuracy at 1 s minus accuracy at 1 month).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hwsim.arguments import number, require, whole
from hwsim.paired_bootstrap import interval

ONE_SECOND_S: Final = 1.0
ONE_MONTH_S: Final = 2_592_000.0


class DriftPoint(NamedTuple):
    """Accuracy at one time: `accuracy` is `(chips,)`, `mean` and `std` are over chips."""

    t_s: float
    mean: float
    std: float
    accuracy: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairedDifference:
    """Mean difference of two networks over chips with the same numbers, and how well it is known.

    Attributes:
        times_s: seconds since programming.
        mean: `(times,)` float64, fractions of 1.
        standard_error: `(times,)` float64, over chips alone; 0 for a single chip.
        interval: `(times, 2)` float64, the ends of the 95 % interval over chips and test images; None unless images
            were resampled.
    """

    times_s: tuple[float, ...]
    mean: npt.NDArray[np.float64]
    standard_error: npt.NDArray[np.float64]
    interval: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class DriftCurve:
    """Accuracy of chips over time.

    Attributes:
        times_s: seconds since programming, as they were asked for.
        accuracy: `(times, chips)` float64, 0 to 1.
        correct: `(times, chips, images)` bool, whether each chip finds the class of each image: what the difference of
            two networks on the same images is judged by. None where only accuracies are known.

    Example:
        >>> DriftCurve((1.0, 60.0), np.array([[0.9, 0.8], [0.8, 0.7]])).at(60).mean
        0.75
    """

    times_s: tuple[float, ...]
    accuracy: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError unless there is a row for each time and at least one chip, in `correct` as well."""
        require(self.accuracy, np.ndarray, "`accuracy` must be a numpy array")
        require(self.times_s, tuple, "`times_s` must be a tuple of seconds")
        shape = self.accuracy.shape
        if len(shape) != 2 or shape[0] != len(self.times_s) or shape[1] == 0:
            raise ValueError(f"`accuracy` must be `({len(self.times_s)}, chips)`, got {shape}")
        if self.correct is None:
            return
        require(self.correct, np.ndarray, "`correct` must be a numpy array, or None")
        images, kind = self.correct.shape, self.correct.dtype
        if len(images) != 3 or images[:2] != shape or images[2] == 0 or kind != np.bool_:
            raise ValueError(
                f"`correct` must be `({shape[0]}, {shape[1]}, images)` bool, got {images} {kind}"
            )

    def __eq__(self, other: object) -> bool:
        """Whether `other` has the same accuracies at the same times."""
        if not isinstance(other, DriftCurve):
            return NotImplemented
        return self.times_s == other.times_s and np.array_equal(self.accuracy, other.accuracy)

    __hash__ = None  # type: ignore[assignment]  # an array can be changed

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean over chips, `(times,)`."""
        return np.asarray(self.accuracy.mean(axis=1))

    @property
    def std(self) -> npt.NDArray[np.float64]:
        """Sample standard deviation over chips, `(times,)`; 0 for a single chip."""
        return _std(self.accuracy)

    @property
    def avm(self) -> float:
        """Mean accuracy at 1 s minus mean accuracy at 1 month.

        Raises:
            ValueError: if one of the two times was not evaluated.
        """
        if not {ONE_SECOND_S, ONE_MONTH_S} <= set(self.times_s):
            known = ", ".join(f"{time:g}" for time in self.times_s)
            raise ValueError(
                f"`times_s` must hold 1 and 2,592,000 s (a month) for the AVM, got {known}: evaluate them, too"
            )
        return self.at(ONE_SECOND_S).mean - self.at(ONE_MONTH_S).mean

    def at(self, t_s: float) -> DriftPoint:
        """Return the accuracy at an evaluated time.

        Raises:
            ValueError: for a time that was not evaluated.
            TypeError: for what is not a number.
        """
        t_s = number("t_s", t_s)
        if float(t_s) not in self.times_s:
            known = ", ".join(f"{time:g}" for time in self.times_s)
            raise ValueError(f"`t_s` must be one of the evaluated times {known} s, got {t_s:g}")
        row = self.times_s.index(float(t_s))
        return DriftPoint(self.times_s[row], float(self.mean[row]), float(self.std[row]), self.accuracy[row])

    def minus(self, other: DriftCurve, *, resample_images: bool = False, seed: int = 0) -> PairedDifference:
        """Return the difference to a curve of chips with the same seed, chip by chip.

        Chips with the same number share their random streams, so that what they have in common cancels. The standard
        error counts chips alone: other test images would move the difference, too, often more. `resample_images` adds
        the interval over both (`hwsim.paired_bootstrap`).

        Args:
            other: a curve at the same times.
            resample_images: draw the images as well, which both curves must have met in the same order.
            seed: of the draws: the same curves give the same interval.

        Raises:
            ValueError: for curves at different times; with `resample_images`, for curves that know accuracies alone, or
                met different numbers of images.
            TypeError: for anything but a curve.

        Example:
            >>> right = DriftCurve((1.0,), np.array([[0.75]]), np.array([[[True, True, True, False]]]))
            >>> right.minus(right, resample_images=True).interval.tolist()
            [[0.0, 0.0]]
        """
        require(other, DriftCurve, "`other` must be a DriftCurve")
        require(resample_images, bool, "`resample_images` must be True or False")
        if self.times_s != other.times_s:
            raise ValueError(f"both curves must have the same times, got {self.times_s} and {other.times_s}")
        chips = min(self.accuracy.shape[1], other.accuracy.shape[1])
        difference = self.accuracy[:, :chips] - other.accuracy[:, :chips]
        ends = self._intervals(other, chips, whole("seed", seed, least=0)) if resample_images else None
        error = _std(difference) / math.sqrt(chips)
        return PairedDifference(self.times_s, difference.mean(axis=1), error, ends)

    def _intervals(self, other: DriftCurve, chips: int, seed: int) -> npt.NDArray[np.float64]:
        if self.correct is None or other.correct is None:
            raise ValueError("`resample_images` must be False for curves without `correct`, got True")
        images = self.correct.shape[2], other.correct.shape[2]
        if images[0] != images[1]:
            raise ValueError(
                f"both curves must have met the same images, got {images[0]} and {images[1]} of them"
            )
        pairs = zip(self.correct[:, :chips], other.correct[:, :chips], strict=True)
        found = [interval(first.astype(np.float32) - second, seed=seed) for first, second in pairs]
        return np.array([(low, high) for _, low, high in found])


def half_width(accuracy: npt.NDArray[np.float64]) -> float:
    """Return the widest half-width of the means' 95 % intervals; `(times, chips)`; infinite below 2 chips."""
    chips = accuracy.shape[1]
    if chips < 2:
        return math.inf
    from scipy import stats  # 0.5 s, and only needed here

    quantile = float(stats.t.ppf(0.975, chips - 1))
    return quantile * float(_std(accuracy).max()) / math.sqrt(chips)


def _std(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if values.shape[1] == 1:
        return np.zeros(len(values))
    return np.asarray(values.std(axis=1, ddof=1))
