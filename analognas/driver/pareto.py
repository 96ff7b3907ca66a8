"""The Pareto front, its knee, and the hypervolume that it dominates.

Row a dominates row b when it is at least as good in every objective and better in one. Equal rows do not
dominate each other: all of them are on the front.

References:
    E. Zitzler, L. Thiele, Multiobjective evolutionary algorithms: a comparative case study and the strength
    Pareto approach, IEEE Transactions on Evolutionary Computation 3, 1999 (hypervolume).
    H. Ishibuchi, R. Imada, Y. Setoguchi, Y. Nojima, How to specify a reference point in hypervolume calculation for
    fair performance comparison, Evolutionary Computation 26, 2018 (a point a little worse than the worst).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


MARGIN: Final = 0.1
"""How far the reference point of the hypervolume lies beyond the worst, as a share of the range."""


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


def knee(values: npt.NDArray[np.float64]) -> int:
    """Return the row of a front that alone dominates the largest hypervolume.

    With every objective scaled to 0 at its worst and 1 at its best on the front, this is the row with the
    largest product: a row that is the worst of the front in any objective has 0, so that two objectives which
    go together, such as parameters and MACs, cannot outvote a third. An objective in which all rows are equal
    counts nothing; of equal products the row that is best in the first objective wins.

    Args:
        values: `(n, objectives)`, n at least 1, the larger the better.

    >>> knee(np.array([[1.0, 0.0], [0.9, 0.8], [0.0, 1.0]]))
    1
    """
    varied = _scaled(values)[:, np.ptp(values, axis=0) > 0]
    return int(np.lexsort((-values[:, 0], -varied.prod(axis=1)))[0])


def hypervolume_curve(
    values: npt.NDArray[np.float64], counts: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return the hypervolume after each row, `(n,)`, 0 to 1.

    It is a share of the box that reaches from the reference point to the best value of every objective among
    all rows that count. The reference point lies a tenth of the range beyond the worst, so that the ends of a
    front, and a front of a single row, dominate something. An objective in which all rows are equal counts
    nothing; where all objectives are, the first row dominates the whole box.

    Args:
        values: `(n, objectives)`, the larger the better.
        counts: `(n,)` mask of the rows that count.

    >>> hypervolume_curve(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), np.ones(3, dtype=bool)).round(3).tolist()
    [0.091, 0.339, 0.38]
    """
    curve = np.zeros(len(values))
    rows = np.flatnonzero(counts)
    if not len(rows):
        return curve
    scaled = _scaled(values[rows])[:, np.ptp(values[rows], axis=0) > 0]
    scaled = (scaled + MARGIN) / (1 + MARGIN)
    if not scaled.shape[1]:
        curve[rows[0] :] = 1.0
        return curve
    front = scaled[:0]
    for row, point in zip(rows, scaled, strict=True):
        if not (front >= point).all(axis=1).any():
            front = np.concatenate([front[~(front <= point).all(axis=1)], point[None]])
            curve[row] = _hypervolume(front)
    return np.maximum.accumulate(curve)


def _hypervolume(points: npt.NDArray[np.float64]) -> float:
    """Return the volume between 0 and `(n, objectives)` points: slabs along the last objective, each a volume."""
    if points.shape[1] == 1:
        return float(points.max())
    points = points[np.argsort(-points[:, -1], kind="stable")]
    heights = -np.diff(points[:, -1], append=0.0)
    slabs = [height * _hypervolume(points[: n + 1, :-1]) for n, height in enumerate(heights) if height > 0]
    return float(sum(slabs))


def _scaled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    worst, width = values.min(axis=0), np.ptp(values, axis=0)
    return np.where(width > 0, (values - worst) / np.where(width > 0, width, 1.0), 0.0)
