"""A metric of chips over time, its accuracy unless told otherwise, and the comparison of two networks on paired chips.

References:
    Benmeziane et al., AnalogNAS, arXiv 2305.10459, 2023 (AVM: accuracy at 1 s minus accuracy at 1 month).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hwsim.arguments import number, require, seconds, whole
from hwsim.curve_table import CurveTable
from hwsim.durations import MONTH_S, SECOND_S, Time, time_label
from hwsim.measured import in_percent, is_share, share_note, spread
from hwsim.optional_library import needs
from hwsim.paired_bootstrap import interval

if TYPE_CHECKING:
    import pandas as pd

ACCURACY: Final = "accuracy"


class DriftPoint(NamedTuple):
    """A metric at one time: `accuracy` is `(chips,)`, values of whatever metric; `mean` and `std` are over chips."""

    t_s: float
    mean: float
    std: float
    accuracy: npt.NDArray[np.float64]

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """The value of each chip, `(chips,)`."""
        return self.accuracy


@dataclass(frozen=True, eq=False)
class PairedDifference:
    """Mean difference of two networks over chips with the same numbers, and how well it is known.

    Attributes:
        times_s: seconds since programming.
        mean: `(times,)` float64, in the unit of the metric: fractions of 1 for accuracies.
        standard_error: `(times,)` float64, over chips alone; 0 for a single chip.
        interval: `(times, 2)` float64, the ends of the 95 % interval over chips and test images; None unless images
            were resampled.
    """

    times_s: tuple[float, ...]
    mean: npt.NDArray[np.float64]
    standard_error: npt.NDArray[np.float64]
    interval: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False, repr=False, init=False)
class DriftCurve:
    """A metric of chips over time.

    Attributes:
        times_s: seconds since programming, as they were asked for.
        values: `(times, chips)` float64; shares such as accuracy are 0 to 1.
        correct: `(times, chips, images)` bool, whether each chip finds the class of each image: what the difference of
            two networks on the same images is judged by. None where only accuracies are known, and for other metrics.
        metric: its name.
        chips: the number of each chip among all chips of its seed.
        analog_share: share of the network's weights that lie on tiles, 0 to 1; None where it is not known.

    Example:
        >>> DriftCurve((1.0, 60.0), np.array([[0.9, 0.8], [0.8, 0.7]])).at("1 min").mean
        0.75
    """

    times_s: tuple[float, ...]
    values: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_] | None
    metric: str
    chips: tuple[int, ...]
    analog_share: float | None

    def __init__(
        self,
        times_s: tuple[Time, ...],
        accuracy: npt.NDArray[np.float64],
        correct: npt.NDArray[np.bool_] | None = None,
        *,
        metric: str = ACCURACY,
        chips: Sequence[int] | None = None,
        analog_share: float | None = None,
    ) -> None:
        """Take the values of a metric, of accuracy unless `metric` names another one.

        Args:
            times_s: seconds since programming, or texts such as `1 day`.
            accuracy: `(times, chips)` values.
            correct: `(times, chips, images)` bool, or None.
            metric: name of the metric.
            chips: number of each chip among those of its seed; None counts from 0.
            analog_share: share of the network's weights that lie on tiles, 0 to 1; None for one that is not known.

        Raises:
            ValueError: unless there is a row for each time and at least one chip, in `correct` as well.
            TypeError: for an argument of another type.
        """
        require(accuracy, np.ndarray, "`accuracy` must be a numpy array")
        require(times_s, tuple, "`times_s` must be a tuple of seconds")
        require(metric, str, "`metric` must be a name")
        shape = accuracy.shape
        if len(shape) != 2 or shape[0] != len(times_s) or shape[1] == 0:
            raise ValueError(f"`accuracy` must be `({len(times_s)}, chips)`, got {shape}")
        if correct is not None:
            require(correct, np.ndarray, "`correct` must be a numpy array, or None")
            images, kind = correct.shape, correct.dtype
            if len(images) != 3 or images[:2] != shape or images[2] == 0 or kind != np.bool_:
                raise ValueError(
                    f"`correct` must be `({shape[0]}, {shape[1]}, images)` bool, got {images} {kind}"
                )
        numbers = tuple(
            whole("chips", chip, least=0) for chip in (range(shape[1]) if chips is None else chips)
        )
        if len(set(numbers)) != shape[1]:
            raise ValueError(f"`chips` must be {shape[1]} different numbers, got {numbers}")
        share = None if analog_share is None else number("analog_share", analog_share, least=0, most=1)
        for name, value in (
            ("times_s", tuple(seconds("times_s", time) for time in times_s)),
            ("values", accuracy),
            ("correct", correct),
            ("metric", metric),
            ("chips", numbers),
            ("analog_share", share),
        ):
            object.__setattr__(self, name, value)  # frozen

    def __eq__(self, other: object) -> bool:
        """Whether `other` has the same values of the same metric at the same times."""
        if not isinstance(other, DriftCurve):
            return NotImplemented
        same = self.times_s == other.times_s and self.metric == other.metric
        return same and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]  # an array can be changed

    def __repr__(self) -> str:
        """Return the metric at the first and the last time in one line."""
        percent = in_percent([self])
        ends = [
            f"{spread(self.mean[row], self.std[row], len(self.chips), percent)}{' %' * percent} at "
            f"{time_label(self.times_s[row])}"
            for row in sorted({0, len(self.times_s) - 1})
        ]
        note = share_note(self.analog_share)
        return f"DriftCurve({self.metric} of {len(self.chips)} chips: {', '.join(ends)}{note})"

    def __str__(self) -> str:
        """Return a table: time, mean ± standard deviation over chips."""
        return str(CurveTable({self.metric: self}))

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return CurveTable({self.metric: self})._repr_html_()

    @property
    def accuracy(self) -> npt.NDArray[np.float64]:
        """The values of a curve of accuracies, `(times, chips)`.

        Raises:
            AttributeError: for another metric.
        """
        if self.metric != ACCURACY:
            raise AttributeError(f"`accuracy` is missing in a curve of `{self.metric}`: read `values`")
        return self.values

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean over chips, `(times,)`."""
        return np.asarray(self.values.mean(axis=1))

    @property
    def std(self) -> npt.NDArray[np.float64]:
        """Sample standard deviation over chips, `(times,)`; 0 for a single chip."""
        return _std(self.values)

    @property
    def avm(self) -> float:
        """Mean accuracy, or top-k accuracy, at 1 s minus that at 1 month.

        Raises:
            ValueError: if one of the two times was not evaluated, or for a metric that is no share of right answers.
        """
        if not is_share(self.metric):
            raise ValueError(
                f"`avm` is for accuracies, got a curve of `{self.metric}`: subtract `.at(...)` of two times"
            )
        if not {SECOND_S, MONTH_S} <= set(self.times_s):
            known = ", ".join(f"{time:g}" for time in self.times_s)
            raise ValueError(
                f"`times_s` must hold 1 and 2,592,000 s (a month) for the AVM, got {known}: evaluate them, too"
            )
        return self.at(SECOND_S).mean - self.at(MONTH_S).mean

    def at(self, t_s: Time) -> DriftPoint:
        """Return the metric at an evaluated time, in seconds or a text such as `1 day`.

        Raises:
            ValueError: for a time that was not evaluated.
            TypeError: for what is not a time.
        """
        t_s = seconds("t_s", t_s)
        if t_s not in self.times_s:
            known = ", ".join(f"{time:g}" for time in self.times_s)
            raise ValueError(f"`t_s` must be one of the evaluated times {known} s, got {t_s:g}")
        row = self.times_s.index(t_s)
        return DriftPoint(self.times_s[row], float(self.mean[row]), float(self.std[row]), self.values[row])

    def join(self, other: DriftCurve) -> DriftCurve:
        """Return the curve of the chips of both: of one network, of which `hwsim.program` made chips in two batches.

        Args:
            other: a curve of the same metric at the same times, of chips with other numbers: those of
                `hwsim.program(net, n, first=...)`.

        Raises:
            ValueError: for another metric, other times or chips that both have, or other images.
            TypeError: for anything but a curve.

        Example:
            >>> first = DriftCurve((1.0,), np.array([[0.75, 0.5]]))
            >>> first.join(DriftCurve((1.0,), np.array([[0.25]]), chips=[2])).mean.tolist()
            [0.5]
        """
        self._check_like(other)
        twice = sorted(set(self.chips) & set(other.chips))
        if twice:
            raise ValueError(
                f"both curves must have chips of their own, got number {twice[0]} in both: program the others with "
                f"`first={max(self.chips) + 1}`"
            )
        correct = None
        if self.correct is not None and other.correct is not None:
            self._check_images(other)
            correct = np.concatenate([self.correct, other.correct], axis=1)
        values = np.concatenate([self.values, other.values], axis=1)
        share = self.analog_share if self.analog_share == other.analog_share else None
        chips = self.chips + other.chips
        return DriftCurve(self.times_s, values, correct, metric=self.metric, chips=chips, analog_share=share)

    def to_frame(self, *, summary: bool = False) -> pd.DataFrame:
        """Return a row for each time and chip: `t_s`, `chip`, `value`; or for each time: `t_s`, `mean`, `std`, `chips`.

        Args:
            summary: mean and standard deviation over chips.
        """
        needs("pandas", "a data frame")
        import pandas as pd

        require(summary, bool, "`summary` must be True or False")
        if summary:
            n = len(self.chips)
            return pd.DataFrame({"t_s": self.times_s, "mean": self.mean, "std": self.std, "chips": n})
        return pd.DataFrame(
            {
                "t_s": np.repeat(self.times_s, len(self.chips)),
                "chip": np.tile(self.chips, len(self.times_s)),
                "value": self.values.reshape(-1),
            }
        )

    def to_csv(self, path: str | Path, *, summary: bool = False) -> None:
        """Write `to_frame(summary=...)` to a file.

        Raises:
            ValueError: for a path that cannot be written to.
            TypeError: for what is no path.
        """
        require(path, (str, Path), "`path` must name a file")
        try:
            self.to_frame(summary=summary).to_csv(path, index=False)
        except OSError as error:
            raise ValueError(f"`path` must be a file that can be written, got {path}: {error}") from None

    def plot(self, name: str | None = None) -> Any:
        """Return a plotly figure of the metric over time: mean, standard deviation and every chip.

        Args:
            name: in the legend; None for that of the metric.
        """
        from hwsim.curve_figure import curve_figure

        return curve_figure([(self.metric if name is None else name, self)])

    def minus(self, other: DriftCurve, *, resample_images: bool = False, seed: int = 0) -> PairedDifference:
        """Return the difference to a curve of chips with the same seed and numbers, chip by chip.

        Chips with the same number share their random streams, so that what they have in common cancels. The standard
        error counts chips alone: other test images would move the difference, too, often more. `resample_images` adds
        the interval over both (`hwsim.paired_bootstrap`).

        Args:
            other: a curve at the same times.
            resample_images: draw the images as well, which both curves must have met in the same order.
            seed: of the draws: the same curves give the same interval.

        Raises:
            ValueError: for curves of different metrics, at different times or without a chip in common; with
                `resample_images`, for curves that know accuracies alone, or met different numbers of images.
            TypeError: for anything but a curve.

        Example:
            >>> right = DriftCurve((1.0,), np.array([[0.75]]), np.array([[[True, True, True, False]]]))
            >>> right.minus(right, resample_images=True).interval.tolist()
            [[0.0, 0.0]]
        """
        self._check_like(other)
        require(resample_images, bool, "`resample_images` must be True or False")
        shared = [chip for chip in self.chips if chip in set(other.chips)]
        if not shared:
            raise ValueError(
                f"both curves must have chips with the same numbers, got {self.chips} and {other.chips}"
            )
        ours, theirs = ([curve.chips.index(chip) for chip in shared] for curve in (self, other))
        difference = self.values[:, ours] - other.values[:, theirs]
        ends = None
        if resample_images:
            ends = self._intervals(other, ours, theirs, whole("seed", seed, least=0))
        error = _std(difference) / math.sqrt(len(shared))
        return PairedDifference(self.times_s, difference.mean(axis=1), error, ends)

    def _check_like(self, other: DriftCurve) -> None:
        require(other, DriftCurve, "`other` must be a DriftCurve")
        if self.times_s != other.times_s:
            raise ValueError(f"both curves must have the same times, got {self.times_s} and {other.times_s}")
        if self.metric != other.metric:
            raise ValueError(f"both curves must have the same metric, got {self.metric} and {other.metric}")

    def _check_images(self, other: DriftCurve) -> None:
        assert self.correct is not None
        assert other.correct is not None
        images = self.correct.shape[2], other.correct.shape[2]
        if images[0] != images[1]:
            raise ValueError(
                f"both curves must have met the same images, got {images[0]} and {images[1]} of them"
            )

    def _intervals(
        self, other: DriftCurve, ours: list[int], theirs: list[int], seed: int
    ) -> npt.NDArray[np.float64]:
        if self.correct is None or other.correct is None:
            raise ValueError("`resample_images` must be False for curves without `correct`, got True")
        self._check_images(other)
        pairs = zip(self.correct[:, ours], other.correct[:, theirs], strict=True)
        found = [interval(first.astype(np.float32) - second, seed=seed) for first, second in pairs]
        return np.array([(low, high) for _, low, high in found])


def half_width(accuracy: npt.NDArray[np.float64]) -> float:
    """Return the widest half-width of the means' 95 % intervals; `(times, chips)`; infinite below 2 chips."""
    chips = accuracy.shape[1]
    if chips < 2:
        return math.inf
    needs("scipy", "an interval over chips")
    from scipy import stats  # 0.5 s, and only needed here

    quantile = float(stats.t.ppf(0.975, chips - 1))
    return quantile * float(_std(accuracy).max()) / math.sqrt(chips)


def _std(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if values.shape[1] == 1:
        return np.zeros(len(values))
    return np.asarray(values.std(axis=1, ddof=1))
