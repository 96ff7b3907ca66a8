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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from surrogates.boosters import BoostedSpec, FittedBoosters
from surrogates.training_table import FloatMatrix, column_share, training_arrays

if TYPE_CHECKING:
    import pandas as pd
    import xgboost

KIND = "xgboost-ensemble"


class XGBoostEnsembleSpec(BoostedSpec):
    """An ensemble of boosted regressors for each target, their disagreement as the uncertainty."""

    kind: Literal["xgboost-ensemble"] = "xgboost-ensemble"
    members: int = Field(
        default=8, ge=1, le=100, description="regressors a target; 1 predicts without an uncertainty"
    )
    trees: int = Field(default=80, ge=1, le=5000, description="boosting rounds of a regressor")
    min_child_weight: float = Field(default=1.0, ge=0, description="fewest candidates in a leaf")
    l2: float = Field(default=1.0, ge=0, description="ridge penalty on the values of the leaves")
    row_share: float = Field(
        default=0.8, gt=0, le=1, description="share of the trials that a regressor is fitted on"
    )

    def build(self) -> XGBoostSurrogate:
        """Return the surrogate."""
        return XGBoostSurrogate(**self.model_dump(exclude={"kind"}))


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
        monotone: (target, feature, 1 or -1): the target may only rise, or only fall, with the feature.
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
    monotone: tuple[tuple[str, str, int], ...] = ()

    def fit(self, features: pd.DataFrame, targets: pd.DataFrame, rng: np.random.Generator) -> FittedBoosters:
        """Fit on `(n, features)` and `(n, targets)`; equal inputs and `rng` state give equal models.

        Raises:
            ValueError: when there are fewer than two rows, or a value is not finite.
        """
        x, y = training_arrays(features, targets)
        location = y.mean(axis=0)
        # Unit variance, because XGBoost drops splits that gain less than 1e-6 whatever the scale of the
        # target is.
        scale = np.where(np.ptp(y, axis=0) > 0, y.std(axis=0), 1.0)
        boosters = [
            [
                self._boost(
                    x, (y[:, k] - location[k]) / scale[k], rng, self._signs(target, list(features.columns))
                )
                for _ in range(self.members)
            ]
            for k, target in enumerate(targets.columns)
        ]
        return FittedBoosters(
            kind=KIND,
            feature_names=list(features.columns),
            target_names=list(targets.columns),
            location=location,
            scale=scale,
            boosters=boosters,
            n_jobs=self.n_jobs,
        )

    def _signs(self, target: str, features: list[str]) -> tuple[int, ...]:
        """Return how a target changes with each feature: 1, -1, or 0 where that is free; nothing where all are."""
        signs = {feature: sign for own, feature, sign in self.monotone if own == target}
        return tuple(signs.get(feature, 0) for feature in features) if signs else ()

    def _boost(
        self, x: FloatMatrix, y: npt.NDArray[np.float64], rng: np.random.Generator, signs: tuple[int, ...]
    ) -> xgboost.Booster:
        import xgboost

        n_rows = max(2, round(self.row_share * len(x)))
        rows = np.sort(rng.permutation(len(x))[:n_rows])
        parameters: dict[str, Any] = {
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
        if signs:
            parameters["monotone_constraints"] = signs
        table = xgboost.DMatrix(x[rows], label=y[rows], nthread=self.n_jobs)
        return xgboost.train(parameters, table, num_boost_round=self.trees)
