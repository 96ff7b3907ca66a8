"""Surrogates of analog robustness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surrogates.committee import Committee
from surrogates.gaussian_process import GaussianProcessSurrogate
from surrogates.held_out import HeldOut, held_out_tau
from surrogates.kendall import kendall_tau
from surrogates.load import load_surrogate
from surrogates.surrogate import FittedSurrogate, Prediction, Surrogate
from surrogates.xgboost_ensemble import XGBoostSurrogate
from surrogates.xgboost_ranker import AnalogNASSurrogate

if TYPE_CHECKING:
    __version__: str

__all__ = [
    "AnalogNASSurrogate",
    "Committee",
    "FittedSurrogate",
    "GaussianProcessSurrogate",
    "HeldOut",
    "Prediction",
    "Surrogate",
    "XGBoostSurrogate",
    "__version__",
    "held_out_tau",
    "kendall_tau",
    "load_surrogate",
]

if not TYPE_CHECKING:  # a module with `__getattr__` has every name for a type checker

    def __getattr__(name: str) -> str:
        """Return the version, which is looked up when it is first asked for."""
        if name != "__version__":
            raise AttributeError(f"module 'surrogates' has no attribute {name!r}")
        return _version()


def _version() -> str:
    """Return the installed version; `0+unknown` for a source tree that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("analognas")
    except PackageNotFoundError:
        return "0+unknown"
