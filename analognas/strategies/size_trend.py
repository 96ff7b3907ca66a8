"""The trend of a score with size: larger networks are better until something else tells.

    score ≈ a + b · log parameters,   b ≥ 0

A surrogate that is fitted on the deviations from it returns to the trend, and not to the mean of all trials, where it
has no data: a candidate twice as large as any trial is expected to be better than the average one.

The slope is that of a ridge regression. Its penalty counts like `PRIOR_TRIALS` further trials that show no trend at
all, so that a few trials of similar size do not make one up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

PRIOR_TRIALS: Final = 2.0


@final
@dataclass(frozen=True)
class SizeTrend:
    """A line over the logarithm of the parameters.

    Attributes:
        centre: mean logarithm of the parameters of the trials.
        level: mean score of the trials.
        slope: change of the score for a factor of e in parameters, 0 or more.
    """

    centre: float
    level: float
    slope: float

    @classmethod
    def fit(cls, parameters: npt.NDArray[np.int64], score: npt.NDArray[np.float64]) -> SizeTrend:
        """Return the trend of `(n,)` scores, n at least 1.

        >>> SizeTrend.fit(np.array([1000, 2000, 4000]), np.array([3.0, 2.0, 1.0])).slope
        0.0
        """
        size = np.log(np.maximum(parameters, 1))
        centre, level = float(size.mean()), float(score.mean())
        deviation = size - centre
        penalty = PRIOR_TRIALS * float(np.mean(np.square(deviation)))
        total = float(np.square(deviation).sum()) + penalty
        slope = float(deviation @ (score - level)) / total if total > 0 else 0.0
        return cls(centre, level, max(0.0, slope))

    def __call__(self, parameters: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the expected score of networks with these parameters, `(n,)`."""
        return np.asarray(self.level + self.slope * (np.log(np.maximum(parameters, 1)) - self.centre))
