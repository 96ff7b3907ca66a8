"""Surrogates of analog robustness."""

from surrogates.surrogate import FittedSurrogate, Prediction, Surrogate

__all__ = ["FittedSurrogate", "Prediction", "Surrogate"]
