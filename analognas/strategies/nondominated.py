"""Non-dominated ranks and crowding distances, the two orders of NSGA-II.

A candidate dominates another when it is at least as good in every objective and better in one. Soft bounds count in
what the first objective is worth, and not by constraint domination, which prefers whatever violates least.

References:
    K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, A fast and elitist multiobjective genetic algorithm: NSGA-II,
    IEEE Transactions on Evolutionary Computation 6(2), 2002, sections III and VI.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def nondominated_ranks(values: Matrix) -> npt.NDArray[np.int64]:
    """Return the front that each candidate belongs to, 0 for the best, `(n,)`.

    Args:
        values: `(n, objectives)`, the larger the better.

    >>> nondominated_ranks(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])).tolist()
    [0, 0, 1]
    """
    no_worse = (values[:, None, :] >= values[None, :, :]).all(axis=2)
    better = (values[:, None, :] > values[None, :, :]).any(axis=2)
    dominates = no_worse & better
    ranks = np.full(len(values), -1, dtype=np.int64)
    front = 0
    while (ranks < 0).any():
        left = ranks < 0
        beaten = (dominates & left[:, None]).any(axis=0)
        ranks[left & ~beaten] = front
        front += 1
    return ranks


def crowding_distances(values: Matrix, ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return how far apart the neighbours of each candidate lie in its front, inf at the ends, `(n,)`.

    Args:
        values: `(n, objectives)`.
        ranks: `(n,)` the front of each candidate.
    """
    distances = np.zeros(len(values))
    for front in np.unique(ranks):
        members = np.flatnonzero(ranks == front)
        for column in values[members].T:
            order = np.argsort(column, kind="stable")
            width = column[order[-1]] - column[order[0]]
            gaps = np.full(len(members), np.inf)
            if len(members) > 2:
                gaps[1:-1] = (column[order[2:]] - column[order[:-2]]) / (width if width > 0 else 1.0)
            distances[members[order]] += gaps
    return distances
