"""What has to be equal wherever evaluations run: Python, the packages that shape a result, our own source."""

from __future__ import annotations

import hashlib
import platform
import warnings
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from analognas.record.environment import package_versions

OWN_PACKAGES: Final = ("analognas", "search_spaces", "surrogates", "hwsim")

OUR_SOURCE: Final = "our source"

SOURCE: Final = (".py", ".c", ".h", ".yaml")
"""Files that shape a result: code, kernels, presets."""


@cache
def fingerprint() -> Mapping[str, str]:
    """Return versions by name, whether kernels are compiled, and a hash of the four packages."""
    return {
        "Python": platform.python_version(),
        **package_versions(),
        "compiled kernels": compiled_kernels(),
        OUR_SOURCE: _source_hash(),
    }


@cache
def compiled_kernels() -> str:
    """Return `all` where this machine compiles the kernels, or what is missing."""
    from analognas.training.kernels.library import library as training
    from hwsim.kernels.library import library as simulation

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # who asks says it in words of its own
        missing = [
            name for name, load in (("simulation", simulation), ("training", training)) if load() is None
        ]
    return f"none for {' and '.join(missing)}" if missing else "all"


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Return how two fingerprints differ, one phrase a difference; empty when they are equal.

    >>> differences({"Python": "3.11.2"}, {"Python": "3.12.1"})
    'Python 3.12.1 there and 3.11.2 here'
    """
    return ", ".join(
        f"{name} {there.get(name, 'unknown')} there and {here.get(name, 'unknown')} here"
        for name in {**here, **there}
        if here.get(name) != there.get(name)
    )


def _source_hash() -> str:
    digest = hashlib.sha256()
    for package in OWN_PACKAGES:
        spec = find_spec(package)
        for root in spec.submodule_search_locations or () if spec is not None else ():
            for path in sorted(path for path in Path(root).rglob("*") if path.suffix in SOURCE):
                digest.update(f"{package}/{path.relative_to(root)}".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
