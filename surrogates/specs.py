"""How surrogates are written in a configuration, and the mapping from there to the mechanisms.

Importing this module loads neither XGBoost nor pandas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from surrogates.surrogate import Surrogate


class XGBoostEnsembleSpec(BaseModel):
    """An ensemble of boosted regressors for each target, their disagreement as the uncertainty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class AnalogNASSurrogateSpec(BaseModel):
    """The surrogates of AnalogNAS: a pairwise-hinge ranker of one target, regressors of the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["analognas"] = "analognas"
    rank_target: str = Field(default="accuracy_1d", min_length=1, description="the metric that is ranked")
    trees: int = Field(default=200, ge=1, le=5000, description="boosting rounds of a model")
    learning_rate: float = Field(default=0.1, gt=0, le=1, description="shrinkage of each tree")
    max_depth: int = Field(default=4, ge=1, le=12, description="depth of a tree")
    feature_share: float = Field(
        default=0.3, gt=0, le=1, description="share of the features of a tree, 8 at least"
    )
    n_jobs: int = Field(default=1, ge=1, le=256, description="threads; predictions do not depend on them")


class GaussianProcessSpec(BaseModel):
    """A Gaussian process for each target, its hyperparameters averaged over. The fastest surrogate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["gaussian-process"] = "gaussian-process"


class CommitteeSpec(BaseModel):
    """A Gaussian process and an ensemble of boosted trees that vote: robust whatever the space is like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["committee"] = "committee"
    trees: XGBoostEnsembleSpec = Field(
        default=XGBoostEnsembleSpec(members=4), description="the boosted trees"
    )


AnySurrogateSpec: TypeAlias = (
    AnalogNASSurrogateSpec | CommitteeSpec | GaussianProcessSpec | XGBoostEnsembleSpec
)
SurrogateSpec: TypeAlias = Annotated[AnySurrogateSpec, Field(discriminator="kind")]

SURROGATES: Final[Mapping[str, type[AnySurrogateSpec]]] = {
    "analognas": AnalogNASSurrogateSpec,
    "committee": CommitteeSpec,
    "gaussian-process": GaussianProcessSpec,
    "xgboost-ensemble": XGBoostEnsembleSpec,
}
"""The built-in surrogates by the name they have in a configuration."""


def make_surrogate(spec: AnySurrogateSpec) -> Surrogate:
    """Return the surrogate that `spec` describes."""
    if isinstance(spec, AnalogNASSurrogateSpec):
        from surrogates.xgboost_ranker import AnalogNASSurrogate

        return AnalogNASSurrogate(**spec.model_dump(exclude={"kind"}))
    if isinstance(spec, XGBoostEnsembleSpec):
        from surrogates.xgboost_ensemble import XGBoostSurrogate

        return XGBoostSurrogate(**spec.model_dump(exclude={"kind"}))
    from surrogates.gaussian_process import GaussianProcessSurrogate

    if isinstance(spec, GaussianProcessSpec):
        return GaussianProcessSurrogate()
    from surrogates.committee import Committee

    return Committee(members=(GaussianProcessSurrogate(), make_surrogate(spec.trees)))
