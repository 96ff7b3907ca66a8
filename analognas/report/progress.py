"""How a search came along: the value of the best trial so far, trial by trial."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def best_so_far(values: npt.NDArray[np.float64], worth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the value of the trial that is worth most up to each trial, `(n,)`; NaN before the first one.

    The values fall where a trial that keeps a soft bound takes the place of a more accurate one that breaks it.

    Args:
        values: `(n,)` objective in the order of the record, NaN for failed trials.
        worth: `(n,)` what each trial is worth (`analognas.strategies.worth`), NaN for trials that do not count.

    >>> best_so_far(np.array([0.5, 0.9, 0.8, 0.7]), np.array([0.5, 0.6, 0.8, np.nan])).tolist()
    [0.5, 0.9, 0.8, 0.8]
    """
    counted = np.where(np.isnan(values) | np.isnan(worth), -np.inf, worth)
    before = np.concatenate([[-np.inf], np.maximum.accumulate(counted)[:-1]]) if counted.size else counted
    leader = np.maximum.accumulate(np.where(counted > before, np.arange(len(values)), -1))
    return np.where(leader >= 0, values[leader], np.nan)
