"""Which trial is the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analognas.history import metrics_of
from analognas.record.trial import Trial
from analognas.strategies.problem import Objective, SearchProblem, meets_soft_bounds


def best_trial(problem: SearchProblem, trials: Sequence[Trial]) -> Trial | None:
    """Return the feasible trial with the highest score, None when no trial is feasible.

    Of equal scores the one with fewer parameters wins, then the earlier one.
    """
    return best_of(problem.objective, problem.upper_bounds, trials)


def better_of(problem: SearchProblem, best: Trial | None, trial: Trial) -> Trial | None:
    """Return the best of all trials up to `trial`, where `best` was that of those before it."""
    if best is None:
        return best_trial(problem, [trial])
    objective = problem.objective
    value = trial.metrics.get(objective.metric, np.nan)
    if not objective.sign * value >= objective.sign * best.metrics[objective.metric]:
        return best
    return best_trial(problem, [best, trial])


def best_of(objective: Objective, upper_bounds: Mapping[str, float], trials: Sequence[Trial]) -> Trial | None:
    """Return the best trial as `best_trial` does, without a space."""
    if not trials:
        return None
    metrics = metrics_of(trials)
    feasible = np.flatnonzero(meets_soft_bounds(metrics, objective, upper_bounds))
    if len(feasible) == 0:
        return None
    score = objective.score(metrics)[feasible]
    parameters = metrics["parameters"].to_numpy()[feasible]
    order = np.lexsort((feasible, parameters, -score))
    return trials[int(feasible[order[0]])]
