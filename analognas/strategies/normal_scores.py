"""Normal scores: values replaced by the normal quantiles of their ranks.

Accuracies over a search space are skewed: many networks fail, the good ones lie close together. A model of
the values spends itself on the failures; a model of the normal scores sees equal steps between neighbours at
the top.

    z_i = Φ⁻¹((rank_i − 1/2) / n)

Between the measured values the map is linear, beyond them it goes on with the slope of the whole range.

References:
    B. L. van der Waerden, Order tests for the two-sample problem and their power, Indagationes Mathematicae
    14, 1952.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@final
@dataclass(frozen=True)
class NormalScores:
    """A monotone map between values and normal scores.

    Attributes:
        values: `(k,)` different measured values, increasing.
        scores: `(k,)` their normal scores, increasing; equal values share the mean of their ranks.
    """

    values: Vector
    scores: Vector

    @classmethod
    def fit(cls, measured: Vector) -> NormalScores:
        """Return the map of `(n,)` finite values."""
        from scipy.special import ndtri

        values, counts = np.unique(measured, return_counts=True)
        middle_rank = np.cumsum(counts) - (counts - 1) / 2
        return cls(values=values, scores=ndtri((middle_rank - 0.5) / len(measured)))

    def forward(self, values: Vector) -> Vector:
        """Return the scores of `values`."""
        return _interpolate(values, self.values, self.scores)

    def inverse(self, scores: Vector) -> Vector:
        """Return the values that have `scores`."""
        return _interpolate(scores, self.scores, self.values)


def _interpolate(x: Vector, knots: Vector, images: Vector) -> Vector:
    if len(knots) == 1:
        return np.asarray(images[0] + (x - knots[0]))
    slope = (images[-1] - images[0]) / (knots[-1] - knots[0])
    beyond = slope * (np.maximum(x - knots[-1], 0.0) + np.minimum(x - knots[0], 0.0))
    return np.asarray(np.interp(x, knots, images) + beyond)
