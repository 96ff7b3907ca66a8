"""The surrogates of AnalogNAS: a ranker of 1-day accuracy, regressors of everything else.

The ranker minimises a pairwise hinge over all pairs of evaluated candidates,

    L = Σ_{i, j: y_i > y_j} max(0, m − (s_i − s_j)),    m = 0.1,

with boosted trees; the search only needs the order. XGBoost offers no such loss, so its gradient is given
here: each violated pair pushes its two scores apart, and the curvature of a candidate is the number of its
pairs (a hinge has none of its own), which turns a leaf's value into the mean push of its candidates. For
reading and plotting, scores are put on the scale of the target by a straight line of positive slope, which
leaves their order alone.

References:
    H. Benmeziane et al., AnalogNAS: A neural network design framework for accurate inference with analog
    in-memory computing, 2023, arXiv 2305.10459, section IV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from surrogates.boosters import BoostedSpec, FittedBoosters
from surrogates.training_table import column_share, training_arrays

if TYPE_CHECKING:
    import pandas as pd
    import xgboost

KIND = "analognas"
HINGE_MARGIN: Final = 0.1  # arXiv 2305.10459, section IV


class AnalogNASSurrogateSpec(BoostedSpec):
    """The surrogates of AnalogNAS: a pairwise-hinge ranker of one target, regressors of the others."""

    kind: Literal["analognas"] = "analognas"
    rank_target: str = Field(default="accuracy_1d", min_length=1, description="the metric that is ranked")
    trees: int = Field(default=200, ge=1, le=5000, description="boosting rounds of a model")

    def build(self) -> AnalogNASSurrogate:
        """Return the surrogate."""
        return AnalogNASSurrogate(**self.model_dump(exclude={"kind"}))


def pairwise_hinge(
    scores: npt.NDArray[np.floating[Any]], values: npt.NDArray[np.floating[Any]], margin: float = HINGE_MARGIN
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return gradient and curvature of the pairwise hinge, each `(n,)`.

    Args:
        scores: `(n,)` what the ranker says now.
        values: `(n,)` measured; the larger is to score higher.
        margin: by how much.

    >>> pairwise_hinge(np.array([0.0, 0.0]), np.array([1.0, 2.0]))
    (array([ 1., -1.]), array([1., 1.]))
    """
    above = values[:, None] > values[None, :]
    violated = above & (scores[:, None] - scores[None, :] < margin)
    gradient = violated.sum(axis=0) - violated.sum(axis=1)
    curvature = above.sum(axis=0) + above.sum(axis=1)
    return gradient.astype(np.float64), np.maximum(curvature, 1).astype(np.float64)


@final
@dataclass(frozen=True)
class AnalogNASSurrogate:
    """Fits the three models of AnalogNAS, or as many as there are targets.

    Attributes:
        rank_target: the target that is ranked; every other target gets a regressor.
        trees: boosting rounds of a model.
        learning_rate: shrinkage of each tree.
        max_depth: depth of a tree.
        feature_share: share of the features that a tree may split on; eight at least.
        n_jobs: threads of one fit or prediction; results do not depend on it.
    """

    rank_target: str = "accuracy_1d"
    trees: int = 200
    learning_rate: float = 0.1
    max_depth: int = 4
    feature_share: float = 0.3
    n_jobs: int = 1

    def fit(self, features: pd.DataFrame, targets: pd.DataFrame, rng: np.random.Generator) -> FittedBoosters:
        """Fit on `(n, features)` and `(n, targets)`; equal inputs and `rng` state give equal models.

        Raises:
            ValueError: when there are fewer than two rows, a value is not finite, or no target is
                `rank_target`.
        """
        import xgboost

        if self.rank_target not in targets.columns:
            raise ValueError(
                f"the ranked target {self.rank_target!r} must be among the targets, "
                f"got {', '.join(targets.columns)}"
            )
        x, y = training_arrays(features, targets)
        location = y.mean(axis=0)
        scale = np.where(np.ptp(y, axis=0) > 0, y.std(axis=0), 1.0)
        table = xgboost.DMatrix(x, nthread=self.n_jobs)
        boosters = []
        for k, name in enumerate(targets.columns):
            table.set_label((y[:, k] - location[k]) / scale[k])
            ranked = name == self.rank_target
            booster = xgboost.train(
                self._parameters(x.shape[1], rng),
                table,
                num_boost_round=self.trees,
                obj=_hinge_objective if ranked else None,
            )
            boosters.append([booster])
            if ranked:
                location[k], scale[k] = _line(booster.predict(table), y[:, k])
        return FittedBoosters(
            kind=KIND,
            feature_names=list(features.columns),
            target_names=list(targets.columns),
            location=location,
            scale=scale,
            boosters=boosters,
            n_jobs=self.n_jobs,
        )

    def _parameters(self, n_features: int, rng: np.random.Generator) -> dict[str, Any]:
        return {
            "objective": "reg:squarederror",
            "base_score": 0.0,
            "tree_method": "exact",
            "learning_rate": self.learning_rate,
            "max_depth": self.max_depth,
            "colsample_bytree": column_share(self.feature_share, n_features),
            "seed": int(rng.integers(2**31)),
            "nthread": self.n_jobs,
            "verbosity": 0,
        }


def _hinge_objective(
    scores: npt.NDArray[np.float32], table: xgboost.DMatrix
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    gradient, curvature = pairwise_hinge(scores, table.get_label())
    return gradient / len(scores), curvature / len(scores)


def _line(scores: npt.NDArray[np.float32], values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return intercept and slope of the line that puts scores on the scale of the values, slope above 0."""
    spread = float(scores.std(dtype=np.float64))
    slope = float(values.std()) / spread if spread > 0 and np.ptp(values) > 0 else 1.0
    return float(values.mean() - slope * scores.mean(dtype=np.float64)), slope
