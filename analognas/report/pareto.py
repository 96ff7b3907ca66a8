"""The Pareto front: the rows that no other row beats in every objective.

Row a dominates row b when it is at least as good in every objective and better in one. Equal rows do not
dominate each
other: all of them are on the front.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


def pareto_front(metrics: pd.DataFrame, objectives: Mapping[str, int]) -> npt.NDArray[np.bool_]:
    """Return the `(n,)` mask of the rows on the front; rows with a NaN or an infinity are never on it.

    One pass over the front, each step vectorised over all rows: O(n · front) time, O(n) memory.

    Args:
        metrics: `(n, metrics)` measured values.
        objectives: 1 to maximise, -1 to minimise, by column.

    Raises:
        ValueError: when there is no objective, or a sign is neither 1 nor -1.
        KeyError: when a column is missing.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"accuracy": [0.9, 0.8, 0.7], "parameters": [50, 20, 30]})
    >>> pareto_front(table, {"accuracy": 1, "parameters": -1}).tolist()
    [True, True, False]
    """
    wrong = {metric: sign for metric, sign in objectives.items() if sign not in (1, -1)}
    if not objectives or wrong:
        raise ValueError(
            f"`objectives` must map metrics to 1 (maximise) or -1 (minimise), got {dict(objectives)}"
        )
    signs = np.array(list(objectives.values()), dtype=np.float64)
    values = np.asarray(metrics[list(objectives)], dtype=np.float64) * signs
    front = np.zeros(len(values), dtype=np.bool_)
    # in this order a row can only be dominated by an earlier one
    order = np.lexsort(-values.T[::-1])
    order = order[np.all(np.isfinite(values[order]), axis=1)]
    while order.size:
        rest = values[order]
        front[order[np.all(rest == rest[0], axis=1)]] = True
        order = order[np.any(rest > rest[0], axis=1)]
    return front
