"""How a search came along: the best value so far, trial by trial."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def best_so_far(values: npt.NDArray[np.float64], feasible: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return the largest feasible value up to each trial, `(n,)`; NaN before the first one.

    Args:
        values: `(n,)` objective in order of completion, NaN for failed trials.
        feasible: `(n,)` mask of the trials that count.

    >>> best_so_far(np.array([0.9, 0.5, 0.7]), np.array([False, True, True])).tolist()
    [nan, 0.5, 0.7]
    """
    counted = np.where(feasible & ~np.isnan(values), values, -np.inf)
    best = np.maximum.accumulate(counted) if counted.size else counted
    return np.where(np.isneginf(best), np.nan, best)
