"""How far a run is, and what it has found so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analognas.config.sections import SearchConfig
from analognas.driver.selection import choose
from analognas.record.directory import RunDirectory
from analognas.record.journal import is_locked
from analognas.record.search_end import read_search_end
from analognas.record.trial import Trial
from analognas.runs.best_so_far import best_so_far


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
        trial = choose(
            config.objectives, config.constraints.upper_bounds(), trials, config.choice, config.fidelity
        )
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
        "best": best_so_far(trial, result),
        "report": str(run.report) if run.report.exists() else None,
    }
