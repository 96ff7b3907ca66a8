"""Runs that grow and runs that are ended: searches that end at another time than they were to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, count

from analognas.config.loader import dump_config, load_run_config
from analognas.config.sections import SearchConfig
from analognas.errors import UserError, remedy
from analognas.record.directory import RunDirectory, write_atomically
from analognas.record.journal import Journal
from analognas.record.search_end import (
    FINISHED,
    SearchEnd,
    forget_search_end,
    read_search_end,
    write_search_end,
)
from analognas.record.trial import Trial
from analognas.runs.nothing_completed import why_nothing_completed
from analognas.runs.resume_checks import ENDS, may_choose_full_budget


def n_candidates(trials: Sequence[Trial]) -> int:
    """Return how many candidates have finished, on the first rung at least."""
    return sum(trial.rung == 0 for trial in trials)


def set_ends(run: RunDirectory, config: SearchConfig, *, reopen: bool) -> None:
    """Let the search of the run end when `config` says; what was decided stays.

    Where the search may go on, the network of a run that has ended is kept beside the one to come, as
    `best-after-N-trials`. A search that has ended stays ended where `config` lets it go on no longer than before.

    A run that was to train no network takes the full budget of `config` where it has trained none yet.

    Args:
        run: that was checked to be the same search but for its end.
        config: says how many trials it may have, and what else ends it.
        reopen: whether a search that was ended by `analognas finish` goes on.

    Raises:
        UserError: when there are more trials already, another process is running the search, or a file cannot be
            written.
    """
    before, trials = load_run_config(run)[0], config.search.trials
    ends = {key: getattr(config.search, key) for key in ENDS}
    same_end = all(getattr(before.search, key) == value for key, value in ends.items())
    if same_end and not reopen and before.final.train == config.final.train:
        return
    with Journal(run.journal):
        finished = n_candidates(run.trials())
        if trials < finished:
            raise UserError(
                f"search.trials: must be at least the {finished} trials that {run.path} has, got {trials}; "
                f"`analognas finish {run.path}` ends the search with these"
            )
        try:
            if trials > finished and (_goes_on_longer(before, config) or (reopen and _was_finished(run))):
                _keep_best(run, finished)
                forget_search_end(run)
            chosen = config.final.train and may_choose_full_budget(run, before)
            final = config.final if chosen else before.final
            changed = {
                "search": before.search.model_copy(update=ends),
                "final": final.model_copy(update={"train": config.final.train}),
            }
            write_atomically(run.config, dump_config(before.model_copy(update=changed)))
        except OSError as error:
            raise UserError(
                f"{run.path}: cannot be written: {error.strerror or error}; {remedy(error)} and give the command again"
            ) from None


def end_search(run: RunDirectory) -> None:
    """End the search of a run with the trials that it has; candidates that wait are not evaluated.

    A search that has ended keeps the reason that it has.

    Raises:
        UserError: when no trial has completed, another process is running the search, or a file cannot be written.
    """
    with Journal(run.journal):
        trials = run.trials()
        if trials and all(trial.failure is not None for trial in trials):
            raise UserError(why_nothing_completed(run, trials))
        if not any(trial.status == "completed" and trial.at_full_budget for trial in trials):
            raise UserError(
                f"{run.path}: no trial has completed at full budget, so there is no network to train; "
                f"`analognas status {run.path}` tells how far the search is"
            )
        if read_search_end(run) is not None:
            return
        try:
            write_search_end(run, SearchEnd(FINISHED, n_candidates(trials)))
        except OSError as error:
            raise UserError(
                f"{run.path}: cannot be written: {error.strerror or error}; {remedy(error)} and give the command again"
            ) from None


def _goes_on_longer(before: SearchConfig, now: SearchConfig) -> bool:
    """Return whether anything that ends the search ends it later than before."""
    return any(
        (getattr(now.search, key) or math.inf) > (getattr(before.search, key) or math.inf) for key in ENDS
    )


def _was_finished(run: RunDirectory) -> bool:
    end = read_search_end(run)
    return end is not None and end.reason == FINISHED


def _keep_best(run: RunDirectory, finished: int) -> None:
    """Move the network of a run that has ended aside; one that was kept after as many trials stays, too."""
    if run.best.exists():
        kept = f"{run.best.name}-after-{finished}-trials"
        names = chain([kept], (f"{kept}-{number}" for number in count(2)))
        run.best.rename(next(path for path in map(run.path.joinpath, names) if not path.exists()))
