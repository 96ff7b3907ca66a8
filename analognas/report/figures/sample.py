"""Which trials a figure of a long search draws: those that matter, and others evenly spread.

A point takes about 0.1 kB of a page, in each of its sizes. So a page draws at most `MOST_POINTS` trials in a figure.
Its lines are made of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from analognas.report.data import ReportData
from analognas.report.progress import best_so_far
from analognas.report.tables import pareto_table
from analognas.strategies.problem import Objective

MOST_POINTS: Final = 600
"""Trials that a figure of a page draws."""
_BEST_SHOWN: Final = 10


def spread(
    n: int, most: int | None, keep: Sequence[int] | npt.NDArray[np.int64] = ()
) -> npt.NDArray[np.bool_]:
    """Return which of `n` points are drawn, `(n,)` bool: `keep`, and others evenly spread up to `most` in all.

    Args:
        n: points.
        most: that are drawn, unless `keep` has more; None for all.
        keep: places of points that are drawn in any case.

    >>> spread(6, 3, keep=[1]).tolist()
    [True, True, False, False, False, True]
    """
    if most is None or n <= most:
        return np.ones(n, dtype=np.bool_)
    drawn = np.zeros(n, dtype=np.bool_)
    drawn[np.asarray(keep, dtype=np.int64)] = True
    others, left = np.flatnonzero(~drawn), max(0, most - int(drawn.sum()))
    drawn[others[np.linspace(0, len(others) - 1, min(left, len(others))).round().astype(np.int64)]] = True
    return drawn


def turns(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which points of a step line it needs, `(n,)` bool: the first, the last, and those where it changes.

    >>> turns(np.array([np.nan, 0.5, 0.5, 0.7, 0.7])).tolist()
    [True, True, False, True, True]
    """
    needed = np.ones(len(values), dtype=np.bool_)
    before, after = values[:-1], values[1:]
    needed[1:-1] = ((before != after) & ~(np.isnan(before) & np.isnan(after)))[:-1]
    return needed


def drawn_trials(data: ReportData, most: int | None, cost: str = "") -> npt.NDArray[np.bool_]:
    """Return which trials a figure draws, `(trials,)` bool; of the completed ones where it is over a cost.

    Every trial that was the best so far, the ten best and the chosen one are among them, and the front over a cost.
    Half of the points at most are failed trials.

    Args:
        data: of the run.
        most: trials that are drawn, unless more have to be; None for all.
        cost: the metric that the figure has across; empty for the order of the trials.
    """
    trials = data.completed if cost else list(data.trials)
    if most is None or len(trials) <= most:
        return np.ones(len(trials), dtype=np.bool_)
    chosen = data.best_trial
    numbers = {trial.number for trial in data.ranked[:_BEST_SHOWN]} | ({chosen.number} if chosen else set())
    if cost:
        front = pareto_table(trials, data.upper_bounds, [data.objectives[0], Objective(cost, -1)])
        numbers |= set(front["number"])
    values = data.values(data.objective, trials)
    best = best_so_far(values, np.array([data.worth(trial) for trial in trials], dtype=np.float64))
    keep = turns(best) & (best == values) | np.array([trial.number in numbers for trial in trials])
    failed = np.flatnonzero([trial.status == "failed" for trial in trials])
    keep[failed[spread(len(failed), most // 2)]] = True
    return spread(len(trials), most, np.flatnonzero(keep))


def left_out(drawn: npt.NDArray[np.bool_], cost: str = "") -> str:
    """Return a sentence on the trials that a figure leaves out; empty where it draws all.

    Args:
        drawn: `(trials,)` bool, as `drawn_trials` gives it.
        cost: the metric that the figure has across; empty for the order of the trials.
    """
    if drawn.all():
        return ""
    return (
        f" Of {len(drawn):,} {'completed ' if cost else ''}trials {int(drawn.sum()):,} are drawn: those that became "
        f"the best, the ten best, {'the front' if cost else 'failed ones'}, and others evenly spread. Lines are of all "
        "trials; summary.csv has each."
    )
