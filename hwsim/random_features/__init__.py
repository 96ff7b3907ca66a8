"""Kernels approximated in memory: random features on the crossbar, for scikit-learn and for attention."""

from __future__ import annotations

from hwsim.random_features.attention import KernelAttention, kernel_attention
from hwsim.random_features.kernels import Kernel, exact_kernel
from hwsim.random_features.projections import SAMPLERS, Sampler
from hwsim.random_features.ridge import FeatureRidgeClassifier
from hwsim.random_features.transformer import AnalogRandomFeatures

__all__ = [
    "SAMPLERS",
    "AnalogRandomFeatures",
    "FeatureRidgeClassifier",
    "Kernel",
    "KernelAttention",
    "Sampler",
    "exact_kernel",
    "kernel_attention",
]
