"""What a trial is worth: its objective, or what is left of it where a soft bound is broken.

    worth  = p · objective + (1 − p) · broken
    p      = Π_k Φ((bound_k − measured_k) / (0.1 · bound_k))     the probability that all bounds hold

    of a network that is exported     broken = 0.9 · (objective − harm)
                                      harm   = AVM                            for a bound on the AVM
                                             = 2 · spread over chips          for a bound on the spread

    of a trial                        broken = objective − ½ excess
                                      excess = AVM − bound                    for a bound on the AVM
                                             = 2 · (spread − bound)           for a bound on the spread

An objective that is lowered, such as bits per character, counts with its sign turned; where that is below zero, broken
is 1.1 times it instead of 0.9. The harm is still in fractions of the accuracy, which is little beside bits: a bound on
the AVM then decides between networks of nearly equal bits alone.

A network that keeps its bounds is worth its objective. One that loses more in a month than it may is worth nine tenths
of what it has left after the month; one whose chips differ more than they may, of what its bad chips reach. So a bound
decides between networks of similar accuracy, as T_AVM does in AnalogNAS, and a network that keeps it because it has
learned nothing is worth less than one that is still far better after the harm. Deb's rules, which compare
infeasible networks by their violation alone, lead a search to networks that have nothing to lose.

A trial is another training than the one whose network is exported, and a shorter one. It is a poor judge of what the
network will lose: one network's AVM differs by 2 to 5 points from training to training, more than half of the variance
over trials (docs/results.md, "What a trial says of a bound"). A search that took trials at their word left networks of
66 % that lost 13 points for others of 60 % that lost three, and ended far behind. So a trial beyond its bound is
charged half of the excess: a choice between believing it and not, next to which p only makes the step smooth.

Where a bound is broken, AVM and spread count with their mean beyond it, given their uncertainty. That of a trial is the
noise of chips and images, so that far beyond the bound it is the measured value. That of a candidate is the
prediction's as well, so that of two candidates below the bound the less certain one is charged more.

The AVM stays in points, as published: relative to the accuracy at one second it would be another bound on every task.
The noise in p is that of chips and images: on 400 images the standard error of an AVM of 5 points is 1.1 points, and
with 8 chips that of a spread is 27 %. A larger one would charge networks that keep a bound with room to spare.

References:
    H. Benmeziane et al., AnalogNAS, 2023, arXiv 2305.10459 (T_AVM).
    K. Deb, An efficient constraint handling method for genetic algorithms, Computer Methods in Applied Mechanics and
    Engineering 186, 2000.
    J. R. Gardner et al., Bayesian optimization with inequality constraints, ICML 2014 (the probability of feasibility).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analognas.metrics import SOFT_METRICS, TABLE

if TYPE_CHECKING:
    import pandas as pd

Vector = npt.NDArray[np.float64]

NOISE: Final = 0.1
"""Standard error of a bounded metric that is at its bound, as a share of the bound."""


class Fidelity(NamedTuple):
    """What measured figures say of the network that is exported.

    Attributes:
        allowed: share of the bound that does no harm where the bound is broken.
        believed: share of the harm that counts.
        left: what a broken bound leaves of an objective that the harm was taken from.
    """

    allowed: float
    believed: float
    left: float


TRIAL: Final = Fidelity(allowed=1.0, believed=0.5, left=1.0)
"""Of trials whose networks will be trained again, for longer."""

EXPORTED: Final = Fidelity(allowed=0.0, believed=1.0, left=0.9)
"""Of the last training of a network, such as that of a trial with `final: none`, and of a table."""

USEFUL: Final = 0.5
"""Share of the best accuracy below which a network has learned too little to be of use."""


def least_useful(best: float) -> float:
    """Return the least score that is of use beside the best one; any is, where an objective is lowered.

    >>> least_useful(0.9), least_useful(-2.1)
    (0.45, -inf)
    """
    return USEFUL * best if best > 0 else -math.inf


@dataclass(frozen=True)
class SoftBound:
    """An upper bound on a measured metric.

    Attributes:
        metric: its name.
        bound: the largest allowed value.
        fidelity: of the figures that are compared with it.
    """

    metric: str
    bound: float
    fidelity: Fidelity

    def probability(self, mean: Vector, std: Vector | float = 0.0) -> Vector:
        """Return how likely it is that values of `mean` and uncertainty `std`, seen through the noise, meet the bound.

        >>> SoftBound("avm", 0.05, TRIAL).probability(np.array([0.04, 0.05, 0.07])).round(2).tolist()
        [0.98, 0.5, 0.0]
        """
        from scipy.special import ndtr

        return np.asarray(ndtr(self._room(mean, self._spread(std))), dtype=np.float64)

    def harm(self, mean: Vector, std: Vector | float = 0.0) -> Vector:
        """Return what values of `mean` and uncertainty `std` take from an objective, in the mean beyond the bound.

        >>> SoftBound("avm", 0.05, TRIAL).harm(np.array([0.04, 0.07])).round(3).tolist()
        [0.001, 0.01]
        >>> SoftBound("avm", 0.05, TRIAL).harm(np.array([0.04, 0.07]), 0.03).round(3).tolist()
        [0.01, 0.017]
        >>> SoftBound("avm", 0.05, EXPORTED).harm(np.array([0.04, 0.07])).round(3).tolist()
        [0.052, 0.07]
        """
        from scipy.special import erfcx

        spread = self._spread(std)
        room = self._room(mean, spread)
        finite = np.where(np.isfinite(room), room, 0.0)
        # the mean of a normal distribution above the bound, by the inverse Mills ratio
        hazard = math.sqrt(2 / math.pi) / erfcx(finite / math.sqrt(2))
        broken = np.maximum(mean + spread * hazard, self.bound)
        return (
            self.fidelity.believed * TABLE[self.metric].harm * (broken - self.fidelity.allowed * self.bound)
        )

    def _spread(self, std: Vector | float) -> Vector:
        return np.asarray(np.hypot(std, NOISE * self.bound), dtype=np.float64)

    def _room(self, mean: Vector, spread: Vector) -> Vector:
        """Return how many standard deviations the bound is above the mean; without any, infinite."""
        sharp = np.where(mean <= self.bound, np.inf, -np.inf)
        return np.divide(self.bound - mean, spread, out=sharp, where=np.broadcast_to(spread > 0, mean.shape))


class Prospects(NamedTuple):
    """What becomes of candidates under soft bounds.

    Attributes:
        chance: `(n,)` that every bound is kept.
        harm: `(n,)` what their objective loses where one is not.
        left: what is left of the rest then.
    """

    chance: Vector
    harm: Vector
    left: float

    def broken(self, score: Vector) -> Vector:
        """Return what scores are worth where a bound is broken, `(n,)`; never more than before."""
        left = score - self.harm
        return np.where(left < 0, (2 - self.left) * left, self.left * left)


def soft_bounds(upper_bounds: Mapping[str, float], fidelity: Fidelity) -> tuple[SoftBound, ...]:
    """Return those of the bounds that are on measured metrics, for figures of this fidelity."""
    return tuple(
        SoftBound(name, upper_bounds[name], fidelity) for name in SOFT_METRICS if name in upper_bounds
    )


def worth(score: Vector, metrics: pd.DataFrame | Mapping[str, Vector], bounds: Sequence[SoftBound]) -> Vector:
    """Return what measured trials of these scores are worth, `(n,)`; NaN for failed ones.

    Args:
        score: `(n,)` the objective, more is better: an accuracy, as a fraction like the bounded metrics, or less bits.
        metrics: `(n,)` measured values for each bound, by name.
        bounds: the soft ones.
    """
    if not bounds:
        return score
    seen = measured_prospects(metrics, bounds)
    return seen.chance * score + (1 - seen.chance) * seen.broken(score)


def measured_prospects(
    metrics: pd.DataFrame | Mapping[str, Vector], bounds: Sequence[SoftBound]
) -> Prospects:
    """Return the prospects of `(n, metrics)` measured trials under the bounds, one at least."""
    measured = {bound.metric: np.asarray(metrics[bound.metric], dtype=np.float64) for bound in bounds}
    return prospects({name: (values, np.zeros_like(values)) for name, values in measured.items()}, bounds)


def worth_of(score: float, metrics: Mapping[str, float], bounds: Sequence[SoftBound]) -> float:
    """Return what one trial is worth; NaN where a bounded metric was not measured."""
    measured = {bound.metric: np.array([metrics.get(bound.metric, np.nan)]) for bound in bounds}
    return float(worth(np.array([score]), measured, bounds)[0])


def broken_bounds(metrics: Mapping[str, float], upper_bounds: Mapping[str, float]) -> dict[str, float]:
    """Return by how much measured metrics are beyond their bounds, by name; empty where all are kept."""
    return {
        name: abs(metrics[name] - bound)
        for name, bound in upper_bounds.items()
        if name in metrics and not TABLE[name].keeps(metrics[name], bound)
    }


def prospects(
    metrics: Mapping[str, tuple[Vector, Vector]], bounds: Sequence[SoftBound], caution: float = 0.0
) -> Prospects:
    """Return the prospects of candidates under the bounds, one at least.

    Args:
        metrics: mean and standard deviation of each bounded metric, `(n,)` each, by name.
        bounds: the soft ones.
        caution: means are raised by so many standard deviations: a search under a bound ends at the bound, where
            the mean alone is too low half of the time.
    """
    chance, expected = np.ones(1), np.zeros(1)
    for bound in bounds:
        mean, std = metrics[bound.metric]
        careful = mean + caution * std
        met = bound.probability(careful, std)
        chance = chance * met
        expected = expected + (1 - met) * bound.harm(careful, std)
    # the harm of a candidate that breaks a bound, expected over the bounds that it may break
    harm = np.divide(expected, 1 - chance, out=np.zeros_like(expected), where=chance < 1)
    return Prospects(chance, harm, bounds[0].fidelity.left)
