"""Kernels approximated in memory: random features on the crossbar, for scikit-learn and for attention.

The names below are imported when they are first used: attention does not need scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from hwsim.optional_library import needs

if TYPE_CHECKING:
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

_HOMES: Final = {
    "AnalogRandomFeatures": "transformer",
    "FeatureRidgeClassifier": "ridge",
    "Kernel": "kernels",
    "KernelAttention": "attention",
    "SAMPLERS": "projections",
    "Sampler": "projections",
    "exact_kernel": "kernels",
    "kernel_attention": "attention",
}

_OF_SCIKIT_LEARN: Final = ("ridge", "transformer")
"""Modules that are built on scikit-learn."""


def __getattr__(name: str) -> Any:
    """Return a public name, importing the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _HOMES[name] in _OF_SCIKIT_LEARN:
        needs("sklearn", f"`{name}`", "scikit-learn")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)
