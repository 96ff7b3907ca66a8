"""What a surrogate is: it predicts measured metrics of candidates from their features.

Targets are the columns of a table, such as `accuracy_1d` (1-day accuracy), `std_1d` (its standard deviation
over chips) and `avm` (accuracy at 1 s minus accuracy at 1 month), all as fractions of 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Prediction:
    """What a fitted surrogate says of `n` candidates.

    Attributes:
        mean: `(n, targets)` expected value of each target.
        std: `(n, targets)` uncertainty of that expectation (disagreement of an ensemble), 0 where a model has
            none.
    """

    mean: pd.DataFrame
    std: pd.DataFrame


class FittedSurrogate(Protocol):
    """A surrogate that has seen trials."""

    def predict(self, features: pd.DataFrame) -> Prediction:
        """Predict every target for `(n, features)` candidates."""
        ...

    def save(self, folder: Path) -> None:
        """Write the models below `folder` in open formats, never pickle."""
        ...


class Surrogate(Protocol):
    """A recipe for a fitted surrogate."""

    def fit(self, features: pd.DataFrame, targets: pd.DataFrame, rng: np.random.Generator) -> FittedSurrogate:
        """Fit on `(n, features)` and `(n, targets)`; equal inputs and `rng` state give equal models.

        Raises:
            ValueError: when there are fewer than two rows, or a value is not finite.
        """
        ...
