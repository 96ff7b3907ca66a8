"""Progress of a run: a live bar on a terminal, plain lines elsewhere, both on the error stream."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from analognas.observer import Observer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from analognas.record.trial import Trial

RECENT: Final = 16


class _Pace:
    """Estimates the time left from the trials that this process has seen."""

    def __init__(self) -> None:
        self._ends = [time.monotonic()]

    def time_left_s(self, remaining: int) -> float:
        """Note the end of a trial and return the seconds that `remaining` more will take."""
        self._ends = [*self._ends[-RECENT:], time.monotonic()]
        return remaining * (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)


def describe_trial(trial: Trial) -> str:
    """Return one line on a trial."""
    if trial.failure is not None:
        return f"failed: {trial.failure.reason}"
    metrics = trial.metrics
    return (
        f"1-day accuracy {100 * metrics['accuracy_1d']:.2f} ± {100 * metrics['std_1d']:.2f} %, "
        f"AVM {100 * metrics['avm']:.2f}, {metrics['parameters']:,.0f} parameters"
    )


class PlainObserver:
    """Writes one line a stage and a trial."""

    def __init__(self) -> None:
        self._pace = _Pace()

    def stage(self, name: str) -> None:
        """Write the stage."""
        typer.echo(name, err=True)

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Write the trial, the best so far and the time left."""
        left = self._pace.time_left_s(n_trials - trial.number)
        best_text = "none feasible yet" if best is None else f"best {100 * best.metrics['accuracy_1d']:.2f} %"
        typer.echo(
            f"trial {trial.number} of {n_trials} ({trial.origin}): {describe_trial(trial)}; "
            f"{best_text}; {left:.0f} s left",
            err=True,
        )


class LiveObserver:
    """Keeps one bar up to date on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._pace = _Pace()
        self._task: TaskID = progress.add_task("", total=None, best="")

    def stage(self, name: str) -> None:
        """Name the stage on the bar and keep the line above it."""
        self._progress.console.print(name, highlight=False, markup=False)
        self._progress.update(self._task, description=name, total=None, completed=0, best="")

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Advance the bar."""
        left = self._pace.time_left_s(n_trials - trial.number)
        best_text = "none feasible yet" if best is None else f"best {describe_trial(best)}"
        if trial.failure is not None:
            self._progress.console.print(
                f"trial {trial.number} {describe_trial(trial)}", highlight=False, markup=False
            )
        self._progress.update(
            self._task,
            description=f"trial {trial.number} of {n_trials}",
            total=n_trials,
            completed=trial.number,
            best=f"{best_text}; {left:.0f} s left",
        )


@contextmanager
def observer_for_terminal(*, as_json: bool) -> Iterator[Observer]:
    """Yield an observer for the error stream: a live bar on a terminal, plain lines elsewhere and with `as_json`."""
    if as_json or not sys.stderr.isatty():
        yield PlainObserver()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[best]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield LiveObserver(progress)
