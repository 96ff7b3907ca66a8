"""Everybody who watches a run, as one observer: what fails in one of them hurts neither the run nor the others."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, final

from analognas.errors import Argument, UserError
from analognas.progress.observer import Observer, RunEnd, RunStart
from analognas.progress.pace import Progress
from analognas.progress.printable import tell
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult

EVENTS: Final = ("begin", "stage", "progress", "trial", "result", "end", "close")
"""The methods of an observer."""

LONGEST: Final = 300
"""Letters of an error that are shown."""


def methods_of(observer: object) -> dict[str, Callable[..., object]]:
    """Return the methods of an observer that are there, by name.

    Raises:
        UserError: when it is a class, has none of them, or one that cannot be called.
    """
    argument = Argument("observer")
    if isinstance(observer, type):
        raise UserError(argument, f" must be an object, got the class {observer.__name__}: make one of it")
    found = {
        event: getattr(observer, event) for event in EVENTS if getattr(observer, event, None) is not None
    }
    for event, method in found.items():
        if not callable(method):
            raise UserError(argument, f": `{event}` must be a method, got {method!r:.80}")
    if not found:
        raise UserError(
            argument,
            f" must be a name such as `csv`, or have at least one of the methods {', '.join(EVENTS)}, "
            f"got {observer!r:.80}",
        )
    return found


@final
class Audience(Observer):
    """Tells several observers in turn.

    An observer that fails is reported in one line on the error stream, and told nothing more. Only what is no
    `Exception`, such as KeyboardInterrupt, leaves it.

    Args:
        observers: a name for messages, and an object with some of the methods of `Observer`.

    Raises:
        UserError: when one of them is no observer.
    """

    def __init__(self, observers: Sequence[tuple[str, object]]) -> None:
        self._members = [(name, methods_of(observer)) for name, observer in observers]

    def begin(self, start: RunStart) -> None:
        """Tell everybody."""
        self._tell("begin", start)

    def stage(self, name: str) -> None:
        """Tell everybody."""
        self._tell("stage", name)

    def progress(self, progress: Progress) -> None:
        """Tell everybody."""
        self._tell("progress", progress)

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Tell everybody."""
        self._tell("trial", trial, n_trials, best)

    def result(self, result: FinalResult) -> None:
        """Tell everybody."""
        self._tell("result", result)

    def end(self, end: RunEnd) -> None:
        """Tell everybody."""
        self._tell("end", end)

    def close(self) -> None:
        """Tell everybody, and nobody anything more."""
        self._tell("close")
        self._members = []

    def _tell(self, event: str, *about: Any) -> None:
        for member in tuple(self._members):
            name, methods = member
            if event not in methods:
                continue
            try:
                methods[event](*about)
            except Exception as error:
                self._members = [other for other in self._members if other is not member]
                with suppress(OSError, ValueError):  # nobody may read the error stream any more
                    where = f"{name}.{event}{_place(error)}"
                    tell(f"observer failed: {where}: {_in_one_line(error)}; the run goes on without it")


def _place(error: Exception) -> str:
    """Return where in the observer it failed: the frame below ours; empty where it could not be called."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[1].filename).name}:{frames[1].lineno})" if len(frames) > 1 else ""


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    shown = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__
