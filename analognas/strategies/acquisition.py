"""Acquisitions: how much a search wants a candidate, from what a surrogate expects and how unsure it is.

- mean: the expectation alone, pure exploitation.
- UCB: mean + β · std (Srinivas et al. 2010).
- log EI: the logarithm of the expected improvement over what the best trial is worth (Jones et al. 1998), which orders
  candidates as EI does and stays finite where EI underflows (Ament et al. 2023).
- Thompson: one draw from the predictive distribution of each candidate (Thompson 1933).
- portfolio: log EI and mean in turns, a call each. EI learns where little is known, the expectation ends a search.
  Hoffman et al. (2011) weigh the members by their success; tens of calls give little to weigh.

Under soft bounds a value has two outcomes, the bounds kept or broken, and the acquisition is that of their mixture: the
probability of feasibility multiplies the acquisition of the one, its complement that of the other.

References:
    D. R. Jones, M. Schonlau, W. J. Welch, Efficient global optimization of expensive black-box functions,
    Journal of Global Optimization 13, 1998.
    N. Srinivas et al., Gaussian process optimization in the bandit setting, ICML 2010, arXiv 0912.3995.
    S. Ament et al., Unexpected improvements to expected improvement for Bayesian optimization, NeurIPS 2023,
    arXiv 2310.20708.
    W. R. Thompson, On the likelihood that one unknown probability exceeds another, Biometrika 25, 1933.
    M. Hoffman, E. Brochu, N. de Freitas, Portfolio allocation for Bayesian optimization, UAI 2011.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

Score: TypeAlias = Callable[[Vector, Vector], Vector]
"""From the `(n,)` mean and std of a value to maximise to the `(n,)` score, the larger the better."""

AcquisitionName: TypeAlias = Literal["mean", "ucb", "ei", "thompson", "portfolio"]

_SMALLEST_STD: Final = 1e-9


@dataclass(frozen=True)
class Acquisition:
    """How much a search wants a candidate.

    Attributes:
        score: of a normal value.
        logarithmic: whether the score is a logarithm, so that mixing two of them is adding their exponentials.
    """

    score: Score
    logarithmic: bool = False

    def mixed(self, mean: Vector, std: Vector, harmed: Vector, chance: Vector) -> Vector:
        """Return the score of values that are around `mean` with probability `chance` and around `harmed` otherwise.

        Args:
            mean: `(n,)` of the value if all bounds hold.
            std: `(n,)` of both outcomes.
            harmed: `(n,)` mean of the value if a bound is broken.
            chance: `(n,)` that all bounds hold.
        """
        kept, broken = self.score(mean, std), self.score(harmed, std)
        if self.logarithmic:
            with np.errstate(divide="ignore"):
                return np.logaddexp(np.log(chance) + kept, np.log1p(-chance) + broken)
        return chance * kept + (1 - chance) * broken


def mean_score(mean: Vector, std: Vector) -> Vector:
    """Return the expectation itself, `(n,)`."""
    return mean


EXPECTATION: Final = Acquisition(mean_score)


def upper_confidence_bound(beta: float) -> Score:
    """Return mean + `beta` · std."""

    def score(mean: Vector, std: Vector) -> Vector:
        return mean + beta * std

    return score


def log_expected_improvement(incumbent: float) -> Score:
    """Return log E[max(0, value − `incumbent`)] of a normal value.

    With z = (mean − incumbent) / std this is log std + log(φ(z) + z Φ(z)). Below z = −1 the bracket is φ(z)
    (1 + z Φ(z) / φ(z)), taken in the logarithm, and below z = −1000, where the difference is lost in
    rounding, its asymptote φ(z) / z².
    """

    def score(mean: Vector, std: Vector) -> Vector:
        from scipy.special import erfcx, ndtr

        spread = np.maximum(std, _SMALLEST_STD)
        z = (mean - incumbent) / spread
        near, far = np.maximum(z, -1.0), np.clip(z, -1e3, -1.0)
        log_density = -0.5 * z**2 - 0.5 * math.log(2 * math.pi)
        direct = np.log(np.exp(-0.5 * near**2) / math.sqrt(2 * math.pi) + near * ndtr(near))
        # Φ(z) / φ(z) = sqrt(π/2) erfcx(−z/√2) neither under- nor overflows for negative z.
        tail = np.log1p(far * math.sqrt(math.pi / 2) * erfcx(-far / math.sqrt(2)))
        asymptote = -2.0 * np.log(np.maximum(-z, 1.0))
        return np.log(spread) + np.where(z > -1, direct, log_density + np.where(z > -1e3, tail, asymptote))

    return score


def thompson(rng: np.random.Generator) -> Score:
    """Return a draw from N(mean, std²), independent for each candidate."""

    def score(mean: Vector, std: Vector) -> Vector:
        return mean + std * rng.standard_normal(len(mean))

    return score


def make_acquisition(
    name: AcquisitionName, *, beta: float, incumbent: float, turn: int, rng: np.random.Generator
) -> Acquisition:
    """Return the acquisition `name`.

    Args:
        name: `mean`, `ucb`, `ei`, `thompson` or `portfolio`.
        beta: weight of the uncertainty in `ucb`.
        incumbent: what the best trial is worth, for `ei`; -inf where there is none, which makes it `mean`.
        turn: number of the call, for `portfolio`: the odd ones exploit.
        rng: draws for `thompson`.
    """
    if name == "portfolio":
        name = "mean" if turn % 2 else "ei"
    if name == "ucb":
        return Acquisition(upper_confidence_bound(beta))
    if name == "ei" and math.isfinite(incumbent):
        return Acquisition(log_expected_improvement(incumbent), logarithmic=True)
    if name == "thompson":
        return Acquisition(thompson(rng))
    return EXPECTATION
