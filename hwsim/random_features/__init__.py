"""Kernels approximated in memory: random features on the crossbar, for scikit-learn."""

from __future__ import annotations

from hwsim.random_features.kernels import Kernel, exact_kernel
from hwsim.random_features.projections import SAMPLERS, Sampler
from hwsim.random_features.ridge import FeatureRidgeClassifier
from hwsim.random_features.transformer import AnalogRandomFeatures

__all__ = [
    "SAMPLERS",
    "AnalogRandomFeatures",
    "FeatureRidgeClassifier",
    "Kernel",
    "Sampler",
    "exact_kernel",
]
