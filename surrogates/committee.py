"""A committee of surrogates: their mean, and what they are unsure of together.

The members' predictions are mixed with equal weights, so that

    mean = average of the means,   variance = average of the variances + variance of the means.

Models of different kinds err differently: a Gaussian process is smooth and knows where it has no data, trees
find thresholds and ignore features that do not matter.

References:
    B. Lakshminarayanan et al., Simple and scalable predictive uncertainty estimation using deep ensembles,
    NeurIPS 2017, arXiv 1612.01474, equation for the mixture's mean and variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from pydantic import Field

from surrogates.base_spec import BuiltInSpec
from surrogates.gaussian_process import GaussianProcessSurrogate
from surrogates.surrogate import FittedSurrogate, Prediction, Surrogate
from surrogates.xgboost_ensemble import XGBoostEnsembleSpec

if TYPE_CHECKING:
    import pandas as pd

KIND = "committee"


class CommitteeSpec(BuiltInSpec):
    """A Gaussian process and an ensemble of boosted trees that vote: robust whatever the space is like."""

    kind: Literal["committee"] = "committee"
    trees: XGBoostEnsembleSpec = Field(
        default=XGBoostEnsembleSpec(members=4), description="the boosted trees"
    )

    def build(self) -> Committee:
        """Return the surrogate."""
        return Committee(members=(GaussianProcessSurrogate(), self.trees.build()))

    @classmethod
    def load(
        cls, folder: Path, manifest: dict[str, Any], members: Sequence[FittedSurrogate]
    ) -> FittedCommittee:
        """Return the committee of the `members`."""
        return FittedCommittee(members)


@final
@dataclass(frozen=True)
class Committee:
    """Fits every member on the same table.

    Attributes:
        members: the surrogates, one or more.
    """

    members: tuple[Surrogate, ...]

    def fit(self, features: pd.DataFrame, targets: pd.DataFrame, rng: np.random.Generator) -> FittedCommittee:
        """Fit on `(n, features)` and `(n, targets)`; equal inputs and `rng` state give equal models.

        Raises:
            ValueError: when there are fewer than two rows, or a value is not finite.
        """
        return FittedCommittee([member.fit(features, targets, rng) for member in self.members])


@final
class FittedCommittee:
    """Fitted members that vote with equal weights."""

    def __init__(self, members: Sequence[FittedSurrogate]) -> None:
        self._members = list(members)

    def predict(self, features: pd.DataFrame) -> Prediction:
        """Predict every target for `(n, features)` candidates."""
        import pandas as pd

        votes = [member.predict(features) for member in self._members]
        first = votes[0].mean
        means = np.array([vote.mean[list(first.columns)].to_numpy() for vote in votes])
        variances = np.array([np.square(vote.std[list(first.columns)].to_numpy()) for vote in votes])
        std = np.sqrt(variances.mean(axis=0) + means.var(axis=0))
        return Prediction(
            mean=pd.DataFrame(means.mean(axis=0), columns=first.columns, index=features.index),
            std=pd.DataFrame(std, columns=first.columns, index=features.index),
        )

    def save(self, folder: Path) -> None:
        """Write `manifest.json` and one folder a member into `folder`, which is created."""
        from surrogates.model_files import write_manifest

        names = [f"member{number}" for number in range(len(self._members))]
        write_manifest(folder, {"kind": KIND, "members": names})
        for name, member in zip(names, self._members, strict=True):
            member.save(folder / name)
