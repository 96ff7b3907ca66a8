"""How far a run is, and what it has found so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analognas.config.sections import SearchConfig
from analognas.driver.selection import choose
from analognas.record.directory import RunDirectory
from analognas.record.journal import is_locked
from analognas.record.search_end import read_search_end
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult


def status_of(
    run: RunDirectory, config: SearchConfig, trials: Sequence[Trial] | None = None
) -> dict[str, Any]:
    """Return how far a run is, JSON-able.

    Args:
        run: the run.
        config: its configuration.
        trials: those of the record, where they have been read already.

    Raises:
        UserError: when a file of the run is damaged.
    """
    result = run.final_result()
    trials = run.trials() if trials is None else trials
    if result is None:
        trial = choose(config.objectives, config.constraints.upper_bounds(), trials, config.choice)
    else:
        trial = run.trial_of(result, trials)
    end = read_search_end(run)
    over = result is not None or (not config.final.train and end is not None)
    unfinished = "running" if is_locked(run.journal) else "not finished"
    state = "finished" if over and run.report.exists() else unfinished
    return {
        "run": str(run.path),
        "state": state,
        "trials": config.search.n_evaluations,
        "finished": len(trials),
        "failed": sum(trial.status == "failed" for trial in trials),
        "search_end": "" if end is None else end.sentence(),
        "choice": config.choice,
        "best": _best(trial, result),
        "report": str(run.report) if run.report.exists() else None,
    }


def _best(trial: Trial | None, result: FinalResult | None) -> dict[str, Any] | None:
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
