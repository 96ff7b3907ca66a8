"""What a run tells those who watch it.

A run calls the methods of an observer in this order; a comparison repeats those between the rules for each search:

==========  =====================================================================================
`stage`     at any time: what happens next, a sentence for people
----------  -------------------------------------------------------------------------------------
`begin`     the run directory, the configuration, the trials that are there already
`progress`  after each trial: how far the search is
`trial`     right after: the trial, and the best so far
`result`    the networks at full budget; not with `final: none`, and not where no trial completed
`end`       completed, interrupted or failed, and the files that are there
----------  -------------------------------------------------------------------------------------
`close`     once, after everything else
==========  =====================================================================================

They are called in the process and the thread of the run, one after the other: what takes long delays the search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from analognas.progress.pace import Progress
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult

Status = Literal["completed", "interrupted", "failed"]
"""How a run ended; an interrupted one can be resumed, and so can most that failed."""


@dataclass(frozen=True)
class RunStart:
    """A run that begins, or goes on.

    Attributes:
        path: the run directory.
        config: the configuration with every default, JSON-able; `config["name"]` is its name.
        n_trials: evaluations that the search takes; with successive halving fewer where some fail.
        earlier: the trials of a run that goes on, each with the best up to it: what `trial` was told of them.
    """

    path: Path
    config: Mapping[str, Any]
    n_trials: int
    earlier: Sequence[tuple[Trial, Trial | None]] = ()


@dataclass(frozen=True)
class RunEnd:
    """A run that has ended for now.

    Attributes:
        status: how.
        reason: the error of a run that failed; empty otherwise.
        files: of the run directory, for people: configuration, report, table of trials, the folder of the best
            network. Those that are there.
    """

    status: Status
    reason: str = ""
    files: Sequence[Path] = ()


class Observer(Protocol):
    """Watches a run: a base class whose methods do nothing, of which a subclass writes those that it needs.

    An object of any class serves as well, with some of these methods. There are more than four because trackers of
    experiments ask for so many moments of a run; nobody has to write one more than he needs.
    """

    def begin(self, start: RunStart) -> None:
        """Take note of a run that begins or goes on."""
        return

    def stage(self, name: str) -> None:
        """Take note of a new stage; the first ones may be told before `begin`."""
        return

    def progress(self, progress: Progress) -> None:
        """Take note of how far the search is; told right before `trial`."""
        return

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Take note of a trial that has ended, completed or failed; `best` is the one that is worth most so far."""
        return

    def result(self, result: FinalResult) -> None:
        """Take note of the networks that were trained at full budget and validated on the test split."""
        return

    def end(self, end: RunEnd) -> None:
        """Take note of a run that has ended for now; told once for each `begin`."""
        return

    def close(self) -> None:
        """Release what is open; told once, after everything else."""
        return


class Silent(Observer):
    """Watches and says nothing."""


def silent() -> AbstractContextManager[Observer]:
    """Return an observer that says nothing, to be opened."""
    return nullcontext(Silent())
