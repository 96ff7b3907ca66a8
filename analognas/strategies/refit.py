"""When a surrogate is fitted again: after so many new trials, and only if it orders them badly.

AnalogNAS checks its surrogates on newly evaluated architectures and fits them again when Kendall τ falls
below 0.9. What the surrogate is fitted on must follow from the history alone, so the checks of a run are
replayed: starting from the first design, each group of `every` completed trials is put before the surrogate
of that time, which is fitted again when its τ on the group is below the threshold.

References:
    H. Benmeziane et al., AnalogNAS: A neural network design framework for accurate inference with analog
    in-memory computing, 2023, arXiv 2305.10459, section IV.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeAlias, final

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from analognas.specs.base import MismatchError
from analognas.strategies.base_spec import StrategySpec
from surrogates import kendall_tau

Predict: TypeAlias = Callable[[int, npt.NDArray[np.intp]], npt.NDArray[np.float64]]
"""From a number of first trials to fit on and the rows of others to their predicted scores."""


class RefitSpec(StrategySpec):
    """What the sections of strategies share that fit a surrogate."""

    refit_every: int = Field(
        default=1, ge=1, le=10_000, description="completed trials between two fits or checks"
    )
    refit_below: float | None = Field(
        default=None, ge=-1, le=1, description="fit again only when Kendall τ on these trials is below this"
    )

    @model_validator(mode="after")
    def _tau_needs_two_trials(self) -> Self:
        if self.refit_below is not None and self.refit_every < 2:
            raise MismatchError(
                f"`refit_every >= 2` must hold with `refit_below`, got {self.refit_every}: τ orders two or more",
                ("refit_every",),
                ("refit_below",),
            )
        return self

    @property
    def refit(self) -> RefitPolicy:
        """When the surrogate is fitted again."""
        return RefitPolicy(every=self.refit_every, below=self.refit_below)


@final
@dataclass(frozen=True)
class RefitPolicy:
    """Decides how many of the completed trials a surrogate is fitted on.

    Attributes:
        every: completed trials between two checks, 2 or more with a threshold, otherwise 1 or more.
        below: fit again when τ on the trials of a check is below it; None fits again at every check.
    """

    every: int = 1
    below: float | None = None

    def n_fitted(self, first: int, scores: npt.NDArray[np.float64], predict: Predict) -> int:
        """Return how many of the completed trials, in order of completion, the surrogate is fitted on.

        Args:
            first: trials of the first fit.
            scores: `(n,)` measured scores of the completed trials, `n >= first`.
            predict: fits and predicts.
        """
        if self.below is None:
            return first + (len(scores) - first) // self.every * self.every
        fitted = first
        for start in range(first, len(scores) - self.every + 1, self.every):
            group = np.arange(start, start + self.every)
            tau = kendall_tau(scores[group], predict(fitted, group))
            # An undefined τ, of equal values, is no sign of a good order.
            if math.isnan(tau) or tau < self.below:
                fitted = start + self.every
        return fitted
