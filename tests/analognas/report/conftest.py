from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

_SPEC = importlib.util.spec_from_file_location("report_runs", Path(__file__).with_name("runs.py"))
assert _SPEC is not None and _SPEC.loader is not None
_RUNS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_RUNS)


@pytest.fixture(scope="session")
def runs() -> ModuleType:
    """The synthetic runs: test folders are no packages, so a sibling file cannot be imported by name."""
    return _RUNS
