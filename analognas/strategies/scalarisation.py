"""Several objectives as one: a random augmented Chebyshev scalarisation for each call, as in ParEGO.

    loss_j = 1 - v_j,  v_j objective j from 0 at its worst to 1 at its best of the completed trials
    score  = - max_j w_j loss_j - ρ Σ_j w_j loss_j,   w uniform on the simplex, ρ = 0.05

Every point of a Pareto front is the best for some weights, those in its dents included; drawn afresh for each
batch, they spread the proposals along the front. Soft bounds are in the first objective already, as what a trial is
worth, so that the scalarised problem has none.

References:
    J. Knowles, ParEGO: a hybrid algorithm with on-line landscape approximation for expensive multiobjective
    optimization problems, IEEE Transactions on Evolutionary Computation 10(1), 2006.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analognas.metrics import SOFT_METRICS
from analognas.strategies.problem import Objective, SearchProblem
from analognas.strategies.strategy import History

SCALARISED: Final = "scalarised"
"""Name of the objective that stands for all."""

RHO: Final = 0.05


def scalarise(
    problem: SearchProblem, history: History, rng: np.random.Generator
) -> tuple[SearchProblem, History]:
    """Return the problem and the history with the one objective `SCALARISED`, NaN in failed trials.

    Args:
        problem: with several objectives.
        history: at least one completed trial.
        rng: draws the weights.
    """
    values = problem.values(history.population, history.metrics)
    done = values[history.completed]
    worst, width = done.min(axis=0), np.ptp(done, axis=0)
    loss = 1 - (values - worst) / np.where(width > 0, width, 1.0)
    weighted = rng.dirichlet(np.ones(values.shape[1])) * loss
    score = -weighted.max(axis=1) - RHO * weighted.sum(axis=1)
    score[~history.completed] = np.nan
    hard = {name: bound for name, bound in problem.upper_bounds.items() if name not in SOFT_METRICS}
    return (
        replace(problem, objective=Objective(SCALARISED, 1), further=(), upper_bounds=hard),
        replace(history, metrics=history.metrics.assign(**{SCALARISED: score})),
    )
