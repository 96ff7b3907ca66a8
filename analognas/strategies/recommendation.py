"""Which of the tried candidates a search would return: the best by what is believed of them, not by a lucky figure.

The largest of many noisy figures is too large, and rarely that of the best candidate. The posterior mean of a surrogate
at a tried candidate weighs its own figure against those of its neighbours.

References:
    P. Frazier, A tutorial on Bayesian optimization, 2018, arXiv 1807.02811, section 4.2 (noisy evaluations).
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Strategy


@runtime_checkable
class Believing(Protocol):
    """A strategy that has an opinion of what was tried."""

    def posterior_worth(
        self, problem: SearchProblem, history: History, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Return what each trial of the history is believed to be worth, `(n,)`; NaN for failed ones."""
        ...


def posterior_worth(
    strategy: Strategy, problem: SearchProblem, history: History, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return what each trial of the history is worth, `(n,)`: believed, or as measured where nothing is believed."""
    if isinstance(strategy, Believing):
        return strategy.posterior_worth(problem, history, rng)
    return problem.worth(history.metrics)


def recommended(
    strategy: Strategy, problem: SearchProblem, history: History, rng: np.random.Generator
) -> int:
    """Return the row of the trial that a search would return; one trial at least has completed."""
    return int(np.nanargmax(posterior_worth(strategy, problem, history, rng)))
