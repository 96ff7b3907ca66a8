"""What candidates are worth to a search, measured or predicted, and the order that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from analognas.strategies.problem import SearchProblem
from search_spaces import Population

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Appraisal:
    """What `n` candidates are worth.

    Attributes:
        worth: `(n,)` float64, the larger the better.
        feasible: `(n,)` whether every soft bound is met, or expected to be.
    """

    worth: npt.NDArray[np.float64]
    feasible: npt.NDArray[np.bool_]

    def best_first(self) -> npt.NDArray[np.intp]:
        """Return the `(n,)` order from the best to the worst; ties keep their order."""
        return np.argsort(-self.worth, kind="stable")

    def take(self, rows: npt.NDArray[np.intp]) -> Appraisal:
        """Return the appraisal of `rows`."""
        return Appraisal(worth=self.worth[rows], feasible=self.feasible[rows])

    def joined(self, other: Appraisal) -> Appraisal:
        """Return the appraisal of both groups, this one first."""
        return Appraisal(
            worth=np.concatenate([self.worth, other.worth]),
            feasible=np.concatenate([self.feasible, other.feasible]),
        )


Appraise: TypeAlias = Callable[[Population], Appraisal]
"""From a population to its appraisal."""


def trial_appraisal(problem: SearchProblem, metrics: pd.DataFrame) -> Appraisal:
    """Return what `(n, metrics)` measured trials are worth."""
    return Appraisal(worth=problem.worth(metrics), feasible=problem.feasible(metrics))
