"""Features of two kinds, yes/no ones and numbers, and how much each kind counts in a distance.

    d(x, x') = Σ_g w_g |x_g − x'_g|² / m_g,   m_g the median over pairs of trials

A space may have a hundred yes/no features, one for each value of each gene or path of a cell, and a dozen numbers such
as the logarithm of the parameters. One length for all of them lets the many drown the few. Which balance fits is
known only once there are trials: each of them is a point of the grid of a Gaussian process.
"""

from __future__ import annotations

from typing import Final, final

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

BALANCES: Final = ((1.0, 1.0), (0.3, 1.0), (1.0, 0.3), (0.1, 1.0), (1.0, 0.1))
"""Weights of yes/no features and of numbers."""


@final
class FeatureGroups:
    """The squared distances of candidates by kind of feature, relative to those of the trials.

    Args:
        points: `(n, features)` scaled trials.
        raw: `(n, features)` the same before scaling.
    """

    def __init__(self, points: Matrix, raw: npt.NDArray[np.floating]) -> None:
        yes_no = ((raw == 0) | (raw == 1)).all(axis=0)
        groups = [np.flatnonzero(yes_no), np.flatnonzero(~yes_no)]
        self._groups = groups if all(len(group) for group in groups) else [np.arange(raw.shape[1])]
        self._points = [points[:, group] for group in self._groups]
        self.among_trials = [squared_distances(own, own) for own in self._points]
        self._medians = [_median(distances) for distances in self.among_trials]

    @property
    def balances(self) -> tuple[tuple[float, ...], ...]:
        """The weights that a distance may have, a weight a kind; one where all features are of a kind."""
        return BALANCES if len(self._groups) > 1 else ((1.0,),)

    def to_trials(self, points: Matrix) -> list[Matrix]:
        """Return the `(m, n)` squared distances of `(m, features)` scaled candidates to the trials, by kind."""
        own = (points[:, group] for group in self._groups)
        return [squared_distances(*pair) for pair in zip(own, self._points, strict=True)]

    def balanced(self, distances: list[Matrix], balance: tuple[float, ...]) -> Matrix:
        """Return one squared distance for each pair; its median over trials is near 1 for a single kind."""
        parts = zip(balance, distances, self._medians, strict=True)
        return np.asarray(sum(weight * own / median for weight, own, median in parts))


def squared_distances(first: Matrix, second: Matrix) -> Matrix:
    """Return `(n, m)` squared Euclidean distances of `(n, d)` and `(m, d)` points."""
    norms = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1)[None, :]
    return np.asarray(np.maximum(norms - 2.0 * first @ second.T, 0.0))


def _median(distances: Matrix) -> float:
    apart = distances[distances > 1e-9]
    return float(np.median(apart)) if len(apart) else 1.0
