"""What a surrogate's prediction is worth to a search: a score, and by how much soft constraints are broken.

Candidates are compared by Deb's rules: a feasible one before an infeasible one, feasible ones by score,
infeasible ones by how little they violate.

References:
    K. Deb, An efficient constraint handling method for genetic algorithms, Computer Methods in Applied
    Mechanics and Engineering 186, 2000.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from analognas.strategies.problem import SOFT_METRICS, SearchProblem
from search_spaces import Population

if TYPE_CHECKING:
    import pandas as pd

_SMALLEST_BOUND: Final = 1e-3
"""A tenth of a point: an excess over a bound of 0 has to be relative to something."""


@dataclass(frozen=True)
class Appraisal:
    """What `n` candidates are worth.

    Attributes:
        score: `(n,)` float64, the larger the better.
        violation: `(n,)` float64, 0 where every soft bound is met.
    """

    score: npt.NDArray[np.float64]
    violation: npt.NDArray[np.float64]

    def best_first(self) -> npt.NDArray[np.intp]:
        """Return the `(n,)` order from the best to the worst; ties keep their order."""
        score = np.where(self.violation > 0, 0.0, self.score)
        return np.lexsort((-score, self.violation))

    def take(self, rows: npt.NDArray[np.intp]) -> Appraisal:
        """Return the appraisal of `rows`."""
        return Appraisal(score=self.score[rows], violation=self.violation[rows])

    def joined(self, other: Appraisal) -> Appraisal:
        """Return the appraisal of both groups, this one first."""
        return Appraisal(
            score=np.concatenate([self.score, other.score]),
            violation=np.concatenate([self.violation, other.violation]),
        )


Appraise: TypeAlias = Callable[[Population], Appraisal]
"""From a population to its appraisal."""


def soft_violation(problem: SearchProblem, metrics: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the sum of the relative excesses of `(n, metrics)` over the soft bounds, `(n,)`."""
    violation = np.zeros(len(metrics))
    for name in SOFT_METRICS:
        if name in problem.upper_bounds:
            bound = problem.upper_bounds[name]
            excess = metrics[name].to_numpy(dtype=np.float64) - bound
            violation += np.maximum(excess, 0.0) / max(abs(bound), _SMALLEST_BOUND)
    return violation


def trial_appraisal(problem: SearchProblem, metrics: pd.DataFrame) -> Appraisal:
    """Return what `(n, metrics)` measured trials are worth."""
    return Appraisal(score=problem.score(metrics), violation=soft_violation(problem, metrics))
