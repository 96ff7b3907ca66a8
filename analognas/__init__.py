"""Neural architecture search for analog in-memory computing.

run = analognas.search("configs/digits.yaml")
run.best.metrics["accuracy_1d"]
run.trials()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analognas.api.ask_tell import Search
    from analognas.api.problem import Problem
    from analognas.api.searches import compare, finish, plan, replay, resume, search
    from analognas.api.validation import validate
    from analognas.errors import NoFeasibleArchitectureError, UserError
    from analognas.interruption import SearchInterrupted
    from analognas.progress import observer
    from analognas.runs.run import Run

__all__ = [
    "NoFeasibleArchitectureError",
    "Problem",
    "Run",
    "Search",
    "SearchInterrupted",
    "UserError",
    "compare",
    "finish",
    "observer",
    "plan",
    "replay",
    "resume",
    "search",
    "validate",
]

_HOMES = {
    **dict.fromkeys(("compare", "finish", "plan", "replay", "resume", "search"), "analognas.api.searches"),
    "validate": "analognas.api.validation",
    "Problem": "analognas.api.problem",
    "Search": "analognas.api.ask_tell",
    "Run": "analognas.runs.run",
    "UserError": "analognas.errors",
    "NoFeasibleArchitectureError": "analognas.errors",
    "SearchInterrupted": "analognas.interruption",
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `analognas --help` must not wait for torch."""
    from importlib import import_module

    if name == "observer":
        return import_module("analognas.progress.observer")
    if name not in _HOMES:
        raise AttributeError(f"module 'analognas' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
