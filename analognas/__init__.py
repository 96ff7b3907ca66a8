"""Neural architecture search for analog in-memory computing.

run = analognas.search("configs/digits.yaml")
run.best.metrics["accuracy_1d"]
run.trials()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analognas import bench
    from analognas.api import compare, finish, resume, search
    from analognas.bench import BenchTable, run_benchmark
    from analognas.errors import NoFeasibleArchitectureError, UserError
    from analognas.progress import observer
    from analognas.runs.run import Run

__all__ = [
    "BenchTable",
    "NoFeasibleArchitectureError",
    "Run",
    "UserError",
    "bench",
    "compare",
    "finish",
    "observer",
    "resume",
    "run_benchmark",
    "search",
]

_HOMES = {
    "search": "analognas.api",
    "compare": "analognas.api",
    "resume": "analognas.api",
    "finish": "analognas.api",
    "Run": "analognas.runs.run",
    "BenchTable": "analognas.bench.table",
    "run_benchmark": "analognas.bench.benchmark",
    "UserError": "analognas.errors",
    "NoFeasibleArchitectureError": "analognas.errors",
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `analognas --help` must not wait for torch."""
    from importlib import import_module

    if name == "observer":
        return import_module("analognas.progress.observer")
    if name == "bench":
        return import_module("analognas.bench")
    if name not in _HOMES:
        raise AttributeError(f"module 'analognas' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
