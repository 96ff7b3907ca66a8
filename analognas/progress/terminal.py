"""Progress of a run on the error stream: a live bar, or plain lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from analognas.metrics import headline, short_headline
from analognas.progress.base_spec import ObserverSpec
from analognas.progress.observer import Observer, Silent
from analognas.progress.pace import Progress
from analognas.progress.printable import printable, tell

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from analognas.record.trial import Trial

    Shown = tuple[Bar, TaskID]


def describe_progress(progress: Progress) -> str:
    """Return the speed, what is under way, and the time left.

    >>> describe_progress(Progress(40, 2, 100, 8, 3, 2, 0.5, 120.0))
    '8 running, 3 queued, 2 failed, 2 nodes, 30 trials/min, 120 s left'
    """
    parts = []
    if progress.running + progress.queued:
        parts.append(f"{progress.running} running, {progress.queued} queued")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.nodes != 1:
        parts.append(f"{progress.nodes} nodes")
    if progress.trials_a_second is not None and progress.time_left_s is not None:
        parts.append(f"{60 * progress.trials_a_second:.3g} trials/min, {progress.time_left_s:.0f} s left")
    return ", ".join(parts)


def describe_trial(trial: Trial) -> str:
    """Return one line on a trial."""
    if trial.failure is not None:
        return f"failed: {printable(trial.failure.reason)}"
    metrics = trial.metrics
    return f"{headline(metrics)}, AVM {100 * metrics['avm']:.2f}, {metrics['parameters']:,.0f} parameters"


@final
class PlainObserver(Observer):
    """Writes one line a stage and a trial."""

    def __init__(self) -> None:
        self._progress = ""

    def stage(self, name: str) -> None:
        """Write the stage."""
        tell(name)

    def progress(self, progress: Progress) -> None:
        """Keep it for the line of the trial."""
        self._progress = describe_progress(progress)

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Write the trial, the best so far, what runs and the time left."""
        best_text = (
            "none completed yet"
            if best is None
            else f"best {short_headline(best.metrics)} (trial {best.number})"
        )
        tell(
            f"trial {trial.number} of {n_trials} ({trial.origin}): {describe_trial(trial)}; "
            f"{best_text}; {self._progress}"
        )


@final
class LiveObserver(Observer):
    """Keeps one bar up to date on a terminal, from the first stage until it is closed."""

    def __init__(self) -> None:
        self._progress = ""
        self._shown: Shown | None = None

    def stage(self, name: str) -> None:
        """Name the stage on the bar and keep the line above it."""
        bar, task = self._bar()
        bar.console.print(printable(name), highlight=False, markup=False)
        bar.update(task, description=printable(name), total=None, completed=0, best="")

    def progress(self, progress: Progress) -> None:
        """Keep it for the bar."""
        self._progress = describe_progress(progress)

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Advance the bar."""
        bar, task = self._bar()
        best_text = "none completed yet" if best is None else f"best {describe_trial(best)}"
        if trial.failure is not None:
            bar.console.print(f"trial {trial.number} {describe_trial(trial)}", highlight=False, markup=False)
        bar.update(
            task,
            description=f"trial {trial.number} of {n_trials}",
            total=n_trials,
            completed=trial.number,
            best=f"{best_text}; {self._progress}",
        )

    def close(self) -> None:
        """Remove the bar."""
        if self._shown is not None:
            self._shown[0].stop()
            self._shown = None

    def _bar(self) -> Shown:
        """Return the bar and its task, which begin when there is something to show."""
        if self._shown is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TimeElapsedColumn(),
                TextColumn("{task.fields[best]}", markup=False),
            )
            bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._shown = bar, bar.add_task("", total=None, best="")
            bar.start()
        return self._shown


class LinesSpec(ObserverSpec):
    """Writes one line a stage and a trial to the error stream."""

    kind: Literal["lines"] = "lines"

    def build(self) -> Observer:
        """Return the observer."""
        return PlainObserver()


class LiveSpec(ObserverSpec):
    """Keeps a bar up to date on a terminal; it disappears at the end."""

    kind: Literal["live"] = "live"

    def build(self) -> Observer:
        """Return the observer."""
        return LiveObserver()


class SilentSpec(ObserverSpec):
    """Says nothing."""

    kind: Literal["silent"] = "silent"

    def build(self) -> Observer:
        """Return the observer."""
        return Silent()
