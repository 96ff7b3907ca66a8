"""The surrogates by the name they have in a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from surrogates.base_spec import BuiltInSpec
from surrogates.committee import CommitteeSpec
from surrogates.gaussian_process import GaussianProcessSpec
from surrogates.xgboost_ensemble import XGBoostEnsembleSpec
from surrogates.xgboost_ranker import AnalogNASSurrogateSpec

SURROGATES: Final[Mapping[str, type[BuiltInSpec]]] = {
    "analognas": AnalogNASSurrogateSpec,
    "committee": CommitteeSpec,
    "gaussian-process": GaussianProcessSpec,
    "xgboost-ensemble": XGBoostEnsembleSpec,
}
"""The built-in surrogates; importing them loads neither XGBoost nor pandas."""
