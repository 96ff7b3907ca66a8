"""The conformance suite of observers: what every observer, a user's own one included, must stand.

`check_observer` tells an observer of a short search: stages, completed and failed trials, texts that a stranger may
have put into a record. The first breach ends the check with an error that names the method, the rule and what was
found.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import ParamSpec

from analognas.progress.observer import Observer
from analognas.progress.pace import Progress
from analognas.record.trial import Trial
from analognas.testing.made_up import HOSTILE, trial

P = ParamSpec("P")


class BrokenObserverError(ValueError):
    """An observer breaks its contract; the message names the method, the rule and what was found."""


def check_observer(observer: Observer) -> None:
    """Check that an observer stands everything that a run tells it, and leaves it alone.

    Args:
        observer: any object with the methods of `analognas.progress.observer.Observer`.

    Raises:
        BrokenObserverError: at the first breach.
    """
    for name in ("stage", "progress", "trial"):
        if not callable(getattr(observer, name, None)):
            raise BrokenObserverError(f"`{name}` must be a method, got {getattr(observer, name, None)!r}")
    trials = [trial(1, failed=True), trial(2), trial(3, text=HOSTILE), trial(4, failed=True, text=HOSTILE)]
    _call("stage", observer.stage, "searching")
    for best in (None, trials[1]):  # a resumed search begins again, with a best trial
        for told in trials:
            best = trials[1] if told is trials[1] else best
            _tell(observer, told, len(trials), best)
    for name in ("training", "", HOSTILE, "Größe τ ≥ 0.9\nsecond line"):
        _call("stage", observer.stage, name)


def _tell(observer: Observer, told: Trial, n_trials: int, best: Trial | None) -> None:
    before = copy.deepcopy((told, best))
    failed = int(told.status == "failed")
    is_first = told.number == 1
    progress = Progress(
        finished=told.number,
        failed=failed,
        n_trials=n_trials,
        running=1,
        queued=0,
        nodes=1,
        trials_a_second=None if is_first else 0.5,
        time_left_s=None if is_first else 2.0 * (n_trials - told.number),
    )
    _call("progress", observer.progress, progress)
    _call("trial", observer.trial, told, n_trials, best)
    if before != (told, best):
        raise BrokenObserverError("`trial` must leave its trials alone, got changed ones")


def _call(name: str, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    try:
        found = function(*args, **kwargs)
    except Exception as error:
        raise BrokenObserverError(f"`{name}` must not fail, got {type(error).__name__}: {error}") from error
    if found is not None:
        raise BrokenObserverError(f"`{name}` must return nothing, got {found!r:.200}")
