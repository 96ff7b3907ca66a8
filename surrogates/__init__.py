"""Surrogates of analog robustness."""

from surrogates.committee import Committee
from surrogates.gaussian_process import GaussianProcessSurrogate
from surrogates.held_out import HeldOut, held_out_tau
from surrogates.kendall import kendall_tau
from surrogates.load import load_surrogate
from surrogates.surrogate import FittedSurrogate, Prediction, Surrogate
from surrogates.xgboost_ensemble import XGBoostSurrogate
from surrogates.xgboost_ranker import AnalogNASSurrogate

__all__ = [
    "AnalogNASSurrogate",
    "Committee",
    "FittedSurrogate",
    "GaussianProcessSurrogate",
    "HeldOut",
    "Prediction",
    "Surrogate",
    "XGBoostSurrogate",
    "held_out_tau",
    "kendall_tau",
    "load_surrogate",
]
