"""An ensemble of small gradient-boosted regressors for each target.

Every member is fitted on its own random share of the candidates and grows its trees on random shares of the
features, so that the members disagree where the candidates leave room for it. The mean of the members is the
prediction, their standard deviation its uncertainty. Defaults are chosen for 20 to 200 candidates: shallow
trees, exact splits.

References:
    T. Chen and C. Guestrin, XGBoost: A scalable tree boosting system, KDD 2016, arXiv 1603.02754.
    B. Lakshminarayanan et al., Simple and scalable predictive uncertainty estimation using deep ensembles,
    NeurIPS 2017, arXiv 1612.01474.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from surrogates.base_spec import BuiltInSpec
from surrogates.model_files import read_boosters, write_boosters
from surrogates.surrogate import FittedSurrogate, Prediction
from surrogates.training_table import FloatMatrix, column_share, feature_array, training_arrays

if TYPE_CHECKING:
    import pandas as pd
    import xgboost

KIND = "xgboost-ensemble"


class XGBoostEnsembleSpec(BuiltInSpec):
    """An ensemble of boosted regressors for each target, their disagreement as the uncertainty."""

    kind: Literal["xgboost-ensemble"] = "xgboost-ensemble"
    members: int = Field(
        default=8, ge=1, le=100, description="regressors a target; 1 predicts without an uncertainty"
    )
    trees: int = Field(default=80, ge=1, le=5000, description="boosting rounds of a regressor")
    learning_rate: float = Field(default=0.1, gt=0, le=1, description="shrinkage of each tree")
    max_depth: int = Field(default=4, ge=1, le=12, description="depth of a tree")
    min_child_weight: float = Field(default=1.0, ge=0, description="fewest candidates in a leaf")
    l2: float = Field(default=1.0, ge=0, description="ridge penalty on the values of the leaves")
    row_share: float = Field(
        default=0.8, gt=0, le=1, description="share of the trials that a regressor is fitted on"
    )
    feature_share: float = Field(
        default=0.3, gt=0, le=1, description="share of the features of a tree, 8 at least"
    )
    n_jobs: int = Field(default=1, ge=1, le=256, description="threads; predictions do not depend on them")

    def build(self) -> XGBoostSurrogate:
        """Return the surrogate."""
        return XGBoostSurrogate(**self.model_dump(exclude={"kind"}))

    @classmethod
    def load(
        cls, folder: Path, manifest: dict[str, Any], members: Sequence[FittedSurrogate]
    ) -> FittedXGBoostEnsemble:
        """Return the surrogate that `save` wrote into `folder`."""
        return FittedXGBoostEnsemble(
            feature_names=manifest["features"],
            target_names=manifest["targets"],
            location=np.array(manifest["location"], dtype=np.float64),
            scale=np.array(manifest["scale"], dtype=np.float64),
            members=read_boosters(folder, manifest),
            n_jobs=manifest["n_jobs"],
        )


@final
@dataclass(frozen=True)
class XGBoostSurrogate:
    """Fits `members` boosted regressors to each target.

    Attributes:
        members: regressors a target; 1 predicts without an uncertainty.
        trees: boosting rounds of a member.
        learning_rate: shrinkage of each tree.
        max_depth: depth of a tree.
        min_child_weight: fewest candidates in a leaf.
        l2: ridge penalty on the values of the leaves.
        row_share: share of the candidates that a member is fitted on, drawn without replacement; 1 for all.
        feature_share: share of the features that a tree may split on; eight at least.
        n_jobs: threads of one fit or prediction; results do not depend on it.
    """

    members: int = 8
    trees: int = 80
    learning_rate: float = 0.1
    max_depth: int = 4
    min_child_weight: float = 1.0
    l2: float = 1.0
    row_share: float = 0.8
    feature_share: float = 0.3
    n_jobs: int = 1

    def fit(
        self, features: pd.DataFrame, targets: pd.DataFrame, rng: np.random.Generator
    ) -> FittedXGBoostEnsemble:
        """Fit on `(n, features)` and `(n, targets)`; equal inputs and `rng` state give equal models.

        Raises:
            ValueError: when there are fewer than two rows, or a value is not finite.
        """
        x, y = training_arrays(features, targets)
        location = y.mean(axis=0)
        # Unit variance, because XGBoost drops splits that gain less than 1e-6 whatever the scale of the
        # target is.
        scale = np.where(np.ptp(y, axis=0) > 0, y.std(axis=0), 1.0)
        members = [
            [self._boost(x, (y[:, k] - location[k]) / scale[k], rng) for _ in range(self.members)]
            for k in range(y.shape[1])
        ]
        return FittedXGBoostEnsemble(
            feature_names=list(features.columns),
            target_names=list(targets.columns),
            location=location,
            scale=scale,
            members=members,
            n_jobs=self.n_jobs,
        )

    def _boost(self, x: FloatMatrix, y: npt.NDArray[np.float64], rng: np.random.Generator) -> xgboost.Booster:
        import xgboost

        n_rows = max(2, round(self.row_share * len(x)))
        rows = np.sort(rng.permutation(len(x))[:n_rows])
        parameters = {
            "objective": "reg:squarederror",
            "base_score": 0.0,
            "tree_method": "exact",
            "learning_rate": self.learning_rate,
            "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight,
            "lambda": self.l2,
            "colsample_bytree": column_share(self.feature_share, x.shape[1]),
            "seed": int(rng.integers(2**31)),
            "nthread": self.n_jobs,
            "verbosity": 0,
        }
        table = xgboost.DMatrix(x[rows], label=y[rows], nthread=self.n_jobs)
        return xgboost.train(parameters, table, num_boost_round=self.trees)


@final
class FittedXGBoostEnsemble:
    """Boosted regressors by target and member, with the location and scale of each target."""

    def __init__(
        self,
        *,
        feature_names: Sequence[str],
        target_names: Sequence[str],
        location: npt.NDArray[np.float64],
        scale: npt.NDArray[np.float64],
        members: Sequence[Sequence[xgboost.Booster]],
        n_jobs: int,
    ) -> None:
        self._feature_names = list(feature_names)
        self._target_names = list(target_names)
        self._location = location
        self._scale = scale
        self._members = members
        self._n_jobs = n_jobs

    def predict(self, features: pd.DataFrame) -> Prediction:
        """Predict every target for `(n, features)` candidates.

        Raises:
            ValueError: when a feature of the fit is missing.
        """
        import pandas as pd
        import xgboost

        table = xgboost.DMatrix(feature_array(features, self._feature_names), nthread=self._n_jobs)
        # (targets, members, n): one table for all members, because building it costs more than a prediction.
        votes = np.array(
            [[booster.predict(table) for booster in boosters] for boosters in self._members], dtype=np.float64
        )
        mean = votes.mean(axis=1).T * self._scale + self._location
        std = votes.std(axis=1).T * self._scale
        return Prediction(
            mean=pd.DataFrame(mean, columns=self._target_names, index=features.index),
            std=pd.DataFrame(std, columns=self._target_names, index=features.index),
        )

    def save(self, folder: Path) -> None:
        """Write `manifest.json` and one `.ubj` file a member into `folder`, which is created."""
        manifest: dict[str, Any] = {
            "kind": KIND,
            "features": self._feature_names,
            "targets": self._target_names,
            "location": self._location.tolist(),
            "scale": self._scale.tolist(),
            "n_jobs": self._n_jobs,
        }
        write_boosters(folder, manifest, self._members)
