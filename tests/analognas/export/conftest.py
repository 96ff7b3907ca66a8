from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

_SPEC = importlib.util.spec_from_file_location("export_networks", Path(__file__).with_name("networks.py"))
assert _SPEC is not None and _SPEC.loader is not None
_NETWORKS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_NETWORKS)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(7)


@pytest.fixture(scope="session")
def networks() -> ModuleType:
    """The test networks: test folders are no packages, so a sibling file cannot be imported by name."""
    return _NETWORKS


@pytest.fixture
def imported() -> Callable[[Path], ModuleType]:
    """Import a Python file by its path."""

    def load(path: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location("exported_model", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
