"""Which trial is chosen to be trained at full budget: the best one, or the knee of the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analognas.driver.history import metrics_of
from analognas.driver.pareto import knee, pareto_front
from analognas.record.trial import Trial
from analognas.strategies.problem import Choice, Objective, SearchProblem
from analognas.strategies.worth import (
    Fidelity,
    broken_bounds,
    least_useful,
    soft_bounds,
    worth,
    worth_of,
)


def best_trial(problem: SearchProblem, trials: Sequence[Trial]) -> Trial | None:
    """Return the completed trial that is worth most, None when none has completed.

    Of equally good trials the one with fewer parameters wins, then the earlier one.
    """
    return choose([problem.objective], problem.upper_bounds, trials, "best", problem.fidelity)


def better_of(problem: SearchProblem, best: Trial | None, trial: Trial) -> Trial | None:
    """Return what `best_trial` gives for all trials up to `trial`, where `best` was that of those before it.

    It is asked after every trial, and compares two records without a table.
    """
    if not trial.at_full_budget or trial.status != "completed":
        return best
    if best is None:
        return trial
    return trial if rank(problem, trial.metrics) > rank(problem, best.metrics) else best


def rank(problem: SearchProblem, metrics: Mapping[str, float]) -> tuple[float, float]:
    """Return what decides between networks, the larger the better: what they are worth, then how few parameters."""
    objective = problem.objective
    score = objective.sign * metrics[objective.metric]
    return worth_of(score, metrics, problem.soft_bounds), -metrics["parameters"]


def choose(
    objectives: Sequence[Objective],
    upper_bounds: Mapping[str, float],
    trials: Sequence[Trial],
    how: Choice,
    fidelity: Fidelity,
) -> Trial | None:
    """Return the chosen trial, None when none has completed at full budget.

    A trial that breaks a soft bound competes with what it is worth then (`analognas.strategies.worth`). The knee is a
    trial that keeps every bound, as the front is written and drawn, where one of them is of use beside the best trial:
    the smallest network of a front is one that has learned nothing.

    Args:
        objectives: the first one decides for `best`, as `best_trial` does; all of them for `knee`.
        upper_bounds: largest allowed value by metric name.
        trials: in order of completion.
        how: `best`, or `knee`, the trial that alone dominates the largest hypervolume.
        fidelity: of what was measured, next to what soft bounds are meant for.
    """
    trials = [trial for trial in trials if trial.at_full_budget and trial.status == "completed"]
    if not trials:
        return None
    first = objectives[0]
    metrics = metrics_of(trials)
    value = worth(first.score(metrics), metrics, soft_bounds(upper_bounds, fidelity))
    if how == "knee":
        useful = value >= least_useful(float(value.max()))
        keeping = useful & [not broken_bounds(trial.metrics, upper_bounds) for trial in trials]
        rows = np.flatnonzero(keeping if keeping.any() else useful)
        trials, metrics, value = [trials[row] for row in rows], metrics.iloc[rows], value[rows]
        measured = metrics.assign(**{first.metric: first.sign * value})
        signs = {objective.metric: objective.sign for objective in objectives}
        front = np.flatnonzero(pareto_front(measured, signs))
        columns = [objective.score(measured)[front] for objective in objectives]
        return trials[int(front[knee(np.stack(columns, axis=1))])]
    order = np.lexsort((np.arange(len(trials)), metrics["parameters"].to_numpy(), -value))
    return trials[int(order[0])]
