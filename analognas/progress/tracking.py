"""A run for a tracker of experiments: which figures are logged, and what is known already of a run that goes on.

A run is one run of the tracker; the number of a trial is the step. Figures have a prefix:

===================  ================================================================
`trial/METRIC`       every metric of a completed trial, on the validation split
`trial/wall_time_s`  seconds of its evaluation
`trial/budget`       share of the full budget that it had
`best/METRIC`        the metrics of the best trial so far
`search/failed`      failed trials so far
`final/METRIC`       the network at full budget, on the test split
`reference/NAME/…`   a reference network, likewise
===================  ================================================================

`trackers.json` in the run directory keeps the tracker's name of the run, and how many trials it was told. A run that
goes on is continued there; one that the tracker does not know, or knows no more, is told whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, final

from analognas.errors import UserError
from analognas.progress.observer import Observer, RunEnd, RunStart
from analognas.record.directory import write_atomically
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult

MEMORY: Final = "trackers.json"

Figures = Mapping[str, float]


class Tracker(Protocol):
    """Where figures go."""

    def open(self, start: RunStart, known: str) -> str:
        """Open a run, with its configuration.

        Args:
            start: the run.
            known: what `open` returned when the run began; empty where it was not told of it.

        Returns:
            The tracker's name of the run; `known` where it is the same.
        """
        ...

    def log(self, step: int, figures: Figures) -> None:
        """Log figures of a trial by its number, from 1."""
        ...

    def close(self, end: RunEnd, figures: Figures) -> None:
        """Log the figures of the networks at full budget and the files of the run, and close it."""
        ...


@final
class TrackingObserver(Observer):
    """Tells a tracker of a run.

    Args:
        name: of the tracker, for `trackers.json`.
        tracker: where figures go.
    """

    def __init__(self, name: str, tracker: Tracker) -> None:
        self._name = name
        self._tracker = tracker
        self._folder = Path()
        self._run = ""
        self._failed = 0
        self._final: Figures = {}

    def begin(self, start: RunStart) -> None:
        """Open the run, and log the trials that the tracker lacks."""
        self._folder, self._failed, self._final = start.path, 0, {}
        memory = _read(start.path).get(self._name, {})
        known = str(memory.get("run", ""))
        self._run = self._tracker.open(start, known)
        told = memory.get("trials", 0) if known and self._run == known else 0
        self._remember(told)
        for trial, best in start.earlier:
            if trial.number <= told:
                self._failed += trial.status == "failed"
            else:
                self.trial(trial, start.n_trials, best)

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Log a trial, and the best so far."""
        self._failed += trial.status == "failed"
        self._tracker.log(trial.number, dict(_figures(trial, best, self._failed)))
        self._remember(trial.number)

    def result(self, result: FinalResult) -> None:
        """Keep the figures for the end."""
        named = [("final", result.network)]
        named += [(f"reference/{network.name}", network) for network in result.others]
        self._final = {
            f"{prefix}/{metric}": value
            for prefix, network in named
            for metric, value in network.metrics.items()
        }

    def end(self, end: RunEnd) -> None:
        """Log the end and close the run."""
        self._tracker.close(end, self._final)

    def _remember(self, trials: int) -> None:
        with suppress(OSError):  # a figure told twice is better than none
            content = {**_read(self._folder), self._name: {"run": self._run, "trials": trials}}
            write_atomically(self._folder / MEMORY, json.dumps(content, indent=1) + "\n")


def _read(folder: Path) -> dict[str, Any]:
    """Return what is kept of a run; nothing where the file is missing or damaged."""
    try:
        content = json.loads((folder / MEMORY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        name: known
        for name, known in content.items()
        if isinstance(known, dict) and isinstance(known.get("run"), str) and type(known.get("trials")) is int
    }


def _figures(trial: Trial, best: Trial | None, failed: int) -> Iterator[tuple[str, float]]:
    for name, value in trial.metrics.items():
        yield f"trial/{name}", value
    if trial.metrics:
        yield "trial/wall_time_s", trial.wall_time_s
        yield "trial/budget", trial.budget
    for name, value in ({} if best is None else best.metrics).items():
        yield f"best/{name}", value
    yield "search/failed", float(failed)


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str | float | int | bool]:
    """Return a configuration by dotted keys; what is no number, text, true or false is JSON.

    >>> flat({"seed": 1, "search": {"trials": 8, "start_from": []}})
    {'seed': 1, 'search.trials': 8, 'search.start_from': '[]'}
    """
    values: dict[str, str | float | int | bool] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            values |= flat(value, f"{prefix}{key}.")
        else:
            values[f"{prefix}{key}"] = value if isinstance(value, str | int | float) else json.dumps(value)
    return values


def missing(package: str, extra: str) -> UserError:
    """Return the error for a tracker whose package is not installed."""
    return UserError(
        f"the observer {extra} needs the package {package}, which is not installed: pip install 'analognas[{extra}]'"
    )
