"""Which trial is chosen to be trained at full budget: the best one, or the knee of the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from analognas.history import metrics_of
from analognas.pareto import knee, pareto_front
from analognas.record.trial import Trial
from analognas.strategies.problem import (
    SOFT_METRICS,
    Choice,
    Objective,
    SearchProblem,
    meets_soft_bounds,
    objective_values,
)


def best_trial(problem: SearchProblem, trials: Sequence[Trial]) -> Trial | None:
    """Return the feasible trial with the highest score in the first objective, None when no trial is feasible.

    Of equal scores the one with fewer parameters wins, then the earlier one.
    """
    return choose([problem.objective], problem.upper_bounds, trials, "best")


def better_of(problem: SearchProblem, best: Trial | None, trial: Trial) -> Trial | None:
    """Return what `best_trial` gives for all trials up to `trial`, where `best` was that of those before it.

    It is asked after every trial, and compares two records without a table.
    """
    if not trial.at_full_budget or not _is_feasible(problem, trial):
        return best
    if best is None:
        return trial
    return trial if _rank(problem, trial) > _rank(problem, best) else best


def _is_feasible(problem: SearchProblem, trial: Trial) -> bool:
    def measured(metric: str) -> float:
        return trial.metrics.get(metric, math.nan)

    return not math.isnan(measured(problem.objective.metric)) and all(
        measured(metric) <= problem.upper_bounds[metric]
        for metric in SOFT_METRICS
        if metric in problem.upper_bounds
    )


def _rank(problem: SearchProblem, trial: Trial) -> tuple[float, float]:
    objective = problem.objective
    return objective.sign * trial.metrics[objective.metric], -trial.metrics["parameters"]


def choose(
    objectives: Sequence[Objective], upper_bounds: Mapping[str, float], trials: Sequence[Trial], how: Choice
) -> Trial | None:
    """Return the chosen trial, None when none is feasible.

    Args:
        objectives: the first one decides for `best`, as `best_trial` does; all of them for `knee`.
        upper_bounds: largest allowed value by metric name.
        trials: in order of completion.
        how: `best`, or `knee`, the feasible trial that alone dominates the largest hypervolume.
    """
    trials = [trial for trial in trials if trial.at_full_budget]
    if not trials:
        return None
    metrics = metrics_of(trials)
    feasible = np.flatnonzero(meets_soft_bounds(metrics, objectives[0], upper_bounds))
    if len(feasible) == 0:
        return None
    if how == "knee":
        signs = {objective.metric: objective.sign for objective in objectives}
        front = feasible[pareto_front(metrics.iloc[feasible], signs)]
        return trials[int(front[knee(objective_values(metrics.iloc[front], objectives))])]
    score = objectives[0].score(metrics)[feasible]
    parameters = metrics["parameters"].to_numpy()[feasible]
    order = np.lexsort((feasible, parameters, -score))
    return trials[int(feasible[order[0]])]
