"""Versions and machine, recorded with every run."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import metadata
from typing import Any, Final

PACKAGES: Final = (
    "analognas",
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "xgboost",
    "optuna",
    "pandas",
    "pydantic",
    "onnx",
)

SIZE_BOUNDS: Final = "size_bounds"
"""The key of environment.json for the source of default bounds on size."""

NAMED_BOUNDS: Final = "named_bounds"
"""The key of environment.json for the sources of other bounds that nobody wrote as a number, by metric."""

WARM_START: Final = "warm_start"
"""The key of environment.json for what a search took from other runs."""

PRETRAINED: Final = "pretrained_sha256"
"""The key of environment.json that identifies the model of other searches that a search began with."""

SOURCE_HASH: Final = "source"
"""The key of environment.json that identifies the code of the four packages."""


@cache
def package_versions() -> dict[str, str]:
    """Return the installed versions of the packages that shape a result."""
    return {name: _version(name) for name in PACKAGES}


def environment() -> dict[str, Any]:
    """Return versions, platform and machine, JSON-able."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
        "packages": package_versions(),
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
