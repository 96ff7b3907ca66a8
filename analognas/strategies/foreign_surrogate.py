"""Surrogates of other packages.

In the other package's pyproject.toml:

    [project.entry-points."analognas.surrogates"]
    my-surrogate = "my_package.surrogates:MySurrogate"

`MySurrogate(**options)` has the method of `surrogates.Surrogate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, final

import numpy as np
from pydantic import Field

from analognas.specs.entry_points import Guard, make_from_entry_point
from surrogates import FittedSurrogate, Prediction, Surrogate
from surrogates.base_spec import SurrogateSpec
from surrogates.conformance import prediction_problem

if TYPE_CHECKING:
    import pandas as pd

GROUP: Final = "analognas.surrogates"


class EntryPointSurrogateSpec(SurrogateSpec):
    """A surrogate that another installed package offers as an entry point of the group `analognas.surrogates`."""

    kind: Literal["entry-point"] = "entry-point"
    name: str = Field(min_length=1, description="of the entry point")
    options: dict[str, Any] = Field(default={}, description="arguments of its class")

    def build(self) -> Surrogate:
        """Return the surrogate, its answers looked at.

        Raises:
            UserError: when there is no such entry point, it fails, or what it made has no `fit`.
        """
        surrogate, _ = make_from_entry_point(GROUP, "surrogate", self.name, self.options, method="fit")
        return ForeignSurrogate(Guard("surrogate", self.name), surrogate)


@final
@dataclass(frozen=True)
class ForeignSurrogate:
    """A surrogate of another package, whose mistakes are reported as such.

    Attributes:
        guard: of its methods.
        surrogate: what the entry point made.
    """

    guard: Guard
    surrogate: Surrogate

    def fit(
        self, features: pd.DataFrame, targets: pd.DataFrame, rng: np.random.Generator
    ) -> ForeignFittedSurrogate:
        """Fit on `(n, features)` and `(n, targets)`.

        Raises:
            UserError: when its `fit` fails, or returns what cannot predict and be saved.
        """
        fitted = self.guard.call("fit", self.surrogate.fit, features, targets, rng)
        for method in ("predict", "save"):
            if not callable(getattr(fitted, method, None)):
                raise self.guard.breach("fit", f"must return an object with `{method}`, got {fitted!r:.200}")
        return ForeignFittedSurrogate(self.guard, fitted, tuple(targets.columns))


@final
@dataclass(frozen=True)
class ForeignFittedSurrogate:
    """What a surrogate of another package fitted.

    Attributes:
        guard: of its methods.
        fitted: what its `fit` returned.
        targets: the columns that it was fitted on.
    """

    guard: Guard
    fitted: FittedSurrogate
    targets: tuple[str, ...]

    def predict(self, features: pd.DataFrame) -> Prediction:
        """Predict every target for `(n, features)` candidates.

        Raises:
            UserError: when its `predict` fails, or returns anything but finite values of every target.
        """
        prediction = self.guard.call("predict", self.fitted.predict, features)
        problem = prediction_problem(prediction, len(features), self.targets)
        if problem:
            raise self.guard.breach("predict", problem)
        return prediction

    def save(self, folder: Path) -> None:
        """Write the models below `folder`.

        Raises:
            UserError: when its `save` fails.
        """
        self.guard.call("save", self.fitted.save, folder)
