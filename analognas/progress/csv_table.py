"""Every trial as a row of a CSV file, written as the search goes.

One file may take the trials of several runs: the column `run` tells them apart. A run that goes on appends the trials
that the file lacks, earlier ones included. A row without its line end, after a full disk or a crash, is dropped first.
"""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Final, Literal, final

from pydantic import Field

from analognas.errors import UserError
from analognas.metrics import TABLE
from analognas.progress.base_spec import ObserverSpec
from analognas.progress.observer import Observer, RunStart
from analognas.record.trial import Trial

COLUMNS: Final = (
    "run",
    "trial",
    "status",
    *TABLE,
    "best_trial",
    "origin",
    "rung",
    "budget",
    "wall_time_s",
    "finished_at",
    "failure",
    "architecture",
)
"""Metrics as fractions and counts, empty for a failed trial; `architecture` is JSON, as in trials.jsonl."""

NAME: Final = "trials.csv"
"""The file in a run directory where no other path is given."""


class CsvSpec(ObserverSpec):
    """Writes every trial into a CSV file, a row each, as the search goes."""

    kind: Literal["csv"] = "csv"
    path: Path | None = Field(
        default=None,
        description="the file, which several runs may share; null: trials.csv in the run directory",
    )

    def build(self) -> Observer:
        """Return the observer.

        Raises:
            UserError: when there is another file at `path`, or it cannot be written.
        """
        if self.path is not None:
            _ensure_ours(self.path)
        return CsvObserver(self.path)


@final
class CsvObserver(Observer):
    """Appends each trial to a CSV file.

    Args:
        path: the file; None: `trials.csv` in the run directory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._given = path
        self._path = Path(NAME)
        self._run = ""

    def begin(self, start: RunStart) -> None:
        """Open the file for a run, and add the trials that it lacks.

        Raises:
            UserError: when another file is in the way, or it cannot be written.
        """
        self._path = self._given or start.path / NAME
        self._run = str(start.path.resolve())
        _ensure_ours(self._path)
        if _size_without_torn_row(self._path) == 0:
            self._append(COLUMNS)
        known = self._known()
        for trial, best in start.earlier:
            if str(trial.number) not in known:
                self.trial(trial, start.n_trials, best)

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Append a row."""
        self._append(
            (
                self._run,
                trial.number,
                trial.status,
                *(trial.metrics.get(name, "") for name in TABLE),
                "" if best is None else best.number,
                _in_one_line(trial.origin),
                trial.rung,
                trial.budget,
                trial.wall_time_s,
                trial.finished_at,
                "" if trial.failure is None else _in_one_line(trial.failure.reason),
                json.dumps(trial.architecture, separators=(",", ":")),
            )
        )

    def _append(self, row: tuple[object, ...]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(row)
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())

    def _known(self) -> set[str]:
        """Return the numbers of the trials of this run that the file has; a run may have moved with its own file."""
        with self._path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {row["trial"] for row in rows if self._given is None or row["run"] == self._run}


def _in_one_line(text: str) -> str:
    """Return a text whose line ends are spaces: a row of the file is a line."""
    return " ".join(text.split())


def _ensure_ours(path: Path) -> None:
    """Check that a file can be written, and that what is there is a table of trials.

    Raises:
        UserError: with what is in the way.
    """
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: must be a file; choose another `path` for the observer csv")
        head = _head(path) if path.exists() else ""
        writable = path if path.exists() else path.absolute().parent
        if not writable.exists():
            raise UserError(f"{path}: there is no folder {writable}; make it, or choose another `path`")
        if not os.access(writable, os.W_OK):
            raise UserError(f"{path}: {writable} cannot be written; allow it, or choose another `path`")
    except OSError as error:
        raise UserError(f"{path}: cannot be used: {error.strerror}; choose another `path`") from None
    if head and head != ",".join(COLUMNS):
        raise UserError(
            f"{path}: is no table of trials with the columns {', '.join(COLUMNS[:4])}, …; choose another `path`"
        )


def _head(path: Path) -> str:
    """Return the first line of a file."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline(10_000).rstrip("\n")


def _size_without_torn_row(path: Path) -> int:
    """Cut what follows the last line end, and return how many bytes are left; 0 for a new file."""
    with path.open("a+b") as file:
        file.seek(0)
        size = file.read().rfind(b"\n") + 1
        file.truncate(size)
    return size
