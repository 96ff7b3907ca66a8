"""`trials.jsonl`: the append-only record of a run.

A trial is one line, written with one call and flushed to the disk before the driver goes on. A process that dies while
it writes leaves a last line without its newline; opening the journal for writing cuts such a line off, reading ignores
it. Any other damage is an error that names the line.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from analognas.errors import UserError
from analognas.record.trial import Trial


def read_trials(path: Path) -> list[Trial]:
    """Return the trials of a journal in order of completion; none when the file does not exist.

    Raises:
        UserError: when a complete line is not a trial, or trials are missing or doubled.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    trials: list[Trial] = []
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            trial = Trial.from_json(line.decode())
        except ValueError as error:
            raise UserError(
                f"{path}:{number}: damaged record ({error}); restore the file from a copy"
            ) from None
        if trial.number != len(trials) + 1:
            raise UserError(
                f"{path}:{number}: trial {len(trials) + 1} expected here, found {trial.number}; restore the file"
            )
        trials.append(trial)
    return trials


def is_locked(path: Path) -> bool:
    """Return whether a process has the journal open for writing; a missing journal is not locked."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


class Journal:
    """The journal of a run, opened for writing by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the journal, lock it, and cut off a torn last line.

        Raises:
            UserError: when another process writes to it.
        """
        self._path = path
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise UserError(
                f"{path.parent}: another process is running this search; wait for it or stop it"
            ) from None
        self._cut_torn_line()

    def append(self, trial: Trial) -> None:
        """Write a trial and return when it is on the disk.

        Raises:
            UserError: when the disk is full or the file cannot be written; the journal is left as it was.
        """
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(trial.to_json().encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            os.ftruncate(self._file.fileno(), end)
            raise UserError(
                f"{self._path}: trial {trial.number} could not be written: {error.strerror}; "
                f"make room and run `analognas resume {self._path.parent}`"
            ) from None

    def close(self) -> None:
        """Release the journal."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _cut_torn_line(self) -> None:
        self._file.seek(0)
        content = self._file.read()
        complete = content.rfind(b"\n") + 1
        if complete < len(content):
            os.ftruncate(self._file.fileno(), complete)
