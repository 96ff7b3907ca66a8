"""The conformance suite of observers: what every observer, a user's own one included, must stand.

`check_observer` tells an observer of a short comparison: a search, the same one reported again, and another one that is
interrupted, resumed, and fails. It has completed and failed trials and texts that a stranger may have put there. The
first breach ends the check with an error that names the method, the rule and what was found.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from analognas.config.sections import SearchConfig
from analognas.errors import UserError
from analognas.progress.audience import methods_of
from analognas.progress.observer import RunEnd, RunStart, Status
from analognas.progress.pace import Progress
from analognas.record.trial import Trial
from analognas.testing.made_up import HOSTILE, result, trial

N_TRIALS: Final = 4
FILES: Final = ("config.yaml", "summary.csv", "report.html", "best/network.py")


class BrokenObserverError(ValueError):
    """An observer breaks its contract; the message names the method, the rule and what was found."""


def check_observer(observer: object) -> None:
    """Check that an observer stands everything that a run tells it, and leaves it alone.

    Args:
        observer: any object with some of the methods of `analognas.Observer`; it is closed afterwards.

    Raises:
        BrokenObserverError: at the first breach.
    """
    try:
        told = _Told(methods_of(observer))
    except UserError as error:
        raise BrokenObserverError(str(error)) from None
    trials = [
        trial(1, failed=True),
        trial(2),
        trial(3, text=HOSTILE),
        trial(N_TRIALS, failed=True, text=HOSTILE),
    ]
    with tempfile.TemporaryDirectory(prefix="check-observer-") as folder:
        first, second = (_run_directory(Path(folder) / name) for name in ("first", "second"))
        told.of("stage", f"run directory {first}")  # before `begin`
        told.of_run(first, (), trials, "completed")
        told.of_run(first, trials, (), "completed")  # reported again
        told.of_run(second, (), trials[:2], "interrupted")
        told.of_run(second, trials[:2], trials[2:], "failed")
        for name in ("training", "", HOSTILE, "Größe τ ≥ 0.9\nsecond line"):
            told.of("stage", name)
        told.of("close")


def _run_directory(path: Path) -> Path:
    """Return a folder with the files that people look at."""
    for name in FILES:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("made-up\n", encoding="utf-8")
    return path


class _Told:
    """Calls the methods that are there, and looks at what they do."""

    def __init__(self, methods: dict[str, Callable[..., object]]) -> None:
        self._methods = methods

    def of_run(self, path: Path, earlier: Sequence[Trial], new: Sequence[Trial], status: Status) -> None:
        """Tell of a run from its begin to its end."""
        config = SearchConfig.model_validate({"name": "made-up", "task": {"kind": "digits"}})
        best: Trial | None = None
        before = []
        for one in earlier:
            best = _better(best, one)
            before.append((one, best))
        self.of("begin", RunStart(path, config.model_dump(mode="json"), N_TRIALS, tuple(before)))
        self.of("stage", "searching")
        for one in new:
            best = _better(best, one)
            self.of("progress", _progress(one))
            self.of("trial", one, N_TRIALS, best)
        if status == "completed":
            self.of("result", result())
        reason = HOSTILE if status == "failed" else ""
        self.of("end", RunEnd(status, reason, tuple(path / Path(name).parts[0] for name in FILES)))

    def of(self, name: str, *about: Any) -> None:
        """Tell one thing."""
        if name not in self._methods:
            return
        before = copy.deepcopy(about)
        try:
            found = self._methods[name](*about)
        except Exception as error:
            raise BrokenObserverError(
                f"`{name}` must not fail, got {type(error).__name__}: {error}"
            ) from error
        if found is not None:
            raise BrokenObserverError(f"`{name}` must return nothing, got {found!r:.200}")
        if before != about:
            raise BrokenObserverError(f"`{name}` must leave what it is told alone, got it changed")


def _better(best: Trial | None, one: Trial) -> Trial | None:
    return one if best is None and one.status == "completed" else best


def _progress(one: Trial) -> Progress:
    is_first = one.number == 1
    return Progress(
        finished=one.number,
        failed=1,
        n_trials=N_TRIALS,
        running=1,
        queued=0,
        nodes=1,
        trials_a_second=None if is_first else 0.5,
        time_left_s=None if is_first else 2.0 * (N_TRIALS - one.number),
    )
