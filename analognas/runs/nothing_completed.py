"""Why a search in which no trial completed has no network, and what helps."""

from __future__ import annotations

from collections.abc import Sequence

from analognas.evaluation.stopped_early import STOPPED_EARLY
from analognas.record.directory import RunDirectory
from analognas.record.trial import Trial


def why_nothing_completed(run: RunDirectory, trials: Sequence[Trial]) -> str:
    """Return the reason, that of the last trial, and the remedy.

    Args:
        run: its directory.
        trials: all of them, none completed.
    """
    if not trials:
        return f"{run.path}: no candidate was found that meets the hard constraints; raise a bound or widen the space"
    reasons = [trial.failure.reason for trial in trials if trial.failure is not None]
    reason = f", the last one: {reasons[-1]}" if reasons else ""
    remedy = (
        "lower `training.early_stop.accuracy` or raise its `epoch`"
        if any(told.startswith(STOPPED_EARLY) for told in reasons)
        else f"{run.journal} has the reason of each; mend the cause"
    )
    return f"{run.path}: all {len(trials)} trials failed{reason}; {remedy}, and start a new search"
