"""Who is better than whom, and whether chance explains it.

Strategies are compared seed by seed on their regret at the end of the budget and on the way there (its mean
over all evaluations, so that who is early counts). The Wilcoxon signed-rank test compares the best with each
other strategy; Holm's step-down correction keeps the probability of any false claim at the level of the test.

References:
    F. Wilcoxon, Individual comparisons by ranking methods, Biometrics Bulletin 1, 1945.
    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6,
    1979.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Curves = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """A strategy's place in the ranking.

    Attributes:
        strategy: its name.
        mean_regret: over all evaluations and seeds.
        p_value: that the best strategy is no better than this one, corrected; 1 for the best itself.
    """

    strategy: str
    mean_regret: float
    p_value: float


def rank(curves: Mapping[str, Curves]) -> list[Place]:
    """Return the strategies from the best to the worst.

    Args:
        curves: `(seeds, budget)` regret by strategy, the same seeds in the same order.
    """
    areas = {name: curve.mean(axis=1) for name, curve in curves.items()}
    names = sorted(areas, key=lambda name: float(areas[name].mean()))
    p_values = holm([better(areas[names[0]], areas[name]) for name in names[1:]])
    return [
        Place(strategy=name, mean_regret=float(areas[name].mean()), p_value=p)
        for name, p in zip(names, [1.0, *p_values], strict=True)
    ]


def better(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Return the one-sided p-value that `first` is below `second`, `(n,)` each, pair by pair."""
    from scipy.stats import wilcoxon

    if np.array_equal(first, second):
        return 1.0
    return float(wilcoxon(first, second, alternative="less").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's corrected p-values, in the given order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected = [0.0] * len(p_values)
    running = 0.0
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - step) * p_values[index]))
        corrected[index] = running
    return corrected
