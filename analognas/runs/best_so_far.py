"""The best network that a run has found so far, for its status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analognas.record.trial import Trial
from analognas.record.validation import FinalResult


def best_so_far(trial: Trial | None, result: FinalResult | None) -> dict[str, Any] | None:
    """Return the chosen trial, or the reference that won, with its figures on the validation split.

    Of a finished run with a race they are those of the race, at full budget.
    """
    winner = None if result is None else result.winner
    if trial is not None:
        return {
            "number": trial.number,
            "reference": None,
            "architecture": dict(trial.architecture),
            "metrics": dict(winner.metrics if winner is not None and winner.metrics else trial.metrics),
        }
    if result is None or winner is None:
        return None
    return {
        "number": None,
        "reference": result.reference,
        "architecture": dict(result.network.architecture),
        "metrics": dict(winner.metrics),
    }


def called(best: Mapping[str, Any]) -> str:
    """Return how the best network of a status is called."""
    return f"trial {best['number']}" if best["reference"] is None else f"the reference {best['reference']}"
