"""What a run tells those who watch it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from analognas.progress.pace import Progress
from analognas.record.trial import Trial


class Observer(Protocol):
    """Watches a run."""

    def stage(self, name: str) -> None:
        """A new stage begins."""
        ...

    def progress(self, progress: Progress) -> None:
        """A trial has ended, told before `trial`: how far the search is."""
        ...

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """A trial has ended; `best` is the one that is worth most so far."""
        ...


class Silent:
    """Watches and says nothing."""

    def stage(self, name: str) -> None:
        """Say nothing."""

    def progress(self, progress: Progress) -> None:
        """Say nothing."""

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Say nothing."""


def silent() -> AbstractContextManager[Observer]:
    """Return an observer that says nothing."""
    return nullcontext(Silent())
