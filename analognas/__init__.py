"""Neural architecture search for analog in-memory computing.

run = analognas.search("configs/digits.yaml")
run.best.metrics["accuracy_1d"]
run.trials()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analognas import bench
    from analognas.api.ask_tell import Search
    from analognas.api.collecting import collect, pack
    from analognas.api.networks import export_network, load_chips, load_network
    from analognas.api.problem import Problem
    from analognas.api.searches import compare, finish, plan, replay, resume, search
    from analognas.api.validation import validate
    from analognas.bench import BenchTable, run_benchmark
    from analognas.errors import AnalognasError, NoFeasibleArchitectureError, UserError
    from analognas.interruption import SearchInterrupted
    from analognas.progress import observer
    from analognas.progress.observer import Observer
    from analognas.runs.run import Run

    __version__: str

__all__ = [
    "AnalognasError",
    "BenchTable",
    "NoFeasibleArchitectureError",
    "Observer",
    "Problem",
    "Run",
    "Search",
    "SearchInterrupted",
    "UserError",
    "__version__",
    "bench",
    "collect",
    "compare",
    "export_network",
    "finish",
    "load_chips",
    "load_network",
    "observer",
    "pack",
    "plan",
    "replay",
    "resume",
    "run_benchmark",
    "search",
    "validate",
]

_HOMES = {
    **dict.fromkeys(("compare", "finish", "plan", "replay", "resume", "search"), "analognas.api.searches"),
    **dict.fromkeys(("collect", "pack"), "analognas.api.collecting"),
    "validate": "analognas.api.validation",
    **dict.fromkeys(("export_network", "load_chips", "load_network"), "analognas.api.networks"),
    "Problem": "analognas.api.problem",
    "Search": "analognas.api.ask_tell",
    "Run": "analognas.runs.run",
    "BenchTable": "analognas.bench.table",
    "run_benchmark": "analognas.bench.benchmark",
    "Observer": "analognas.progress.observer",
    "AnalognasError": "analognas.errors",
    "UserError": "analognas.errors",
    "NoFeasibleArchitectureError": "analognas.errors",
    "SearchInterrupted": "analognas.interruption",
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `analognas --help` must not wait for torch."""
    from importlib import import_module

    if name == "__version__":
        return _version()
    if name == "observer":
        return import_module("analognas.progress.observer")
    if name == "bench":
        return import_module("analognas.bench")
    if name not in _HOMES:
        raise AttributeError(f"module 'analognas' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def _version() -> str:
    """Return the installed version; `0+unknown` for a source tree that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("analognas")
    except PackageNotFoundError:
        return "0+unknown"
