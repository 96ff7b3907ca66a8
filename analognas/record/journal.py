"""`trials.jsonl`: the append-only record of a run.

A trial is one line, written and forced to the disk before the driver goes on. A process that dies while it writes
leaves a last line that is torn; reading passes over it, and opening the journal for writing cuts it off and says so. A
last line that lacks only its newline is complete and kept. Any other damage is an error that names the line.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from analognas.errors import UserError, remedy
from analognas.record.trial import Trial


def read_trials(path: Path) -> list[Trial]:
    """Return the trials of a journal in order of completion; none when the file does not exist.

    Raises:
        UserError: when a complete line is not a trial, or trials are missing or doubled.
    """
    trials: list[Trial] = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n") and is_torn(line):
                    break
                trials.append(_trial(path, number, line, trials[-1] if trials else None))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return trials


def torn_line(path: Path) -> str:
    """Return a sentence on the torn last line of a journal; empty where there is none."""
    try:
        with path.open("rb") as file:
            tail = _unfinished_line(file)
    except OSError:
        return ""
    return f"{path}: the last line is torn ({len(tail)} bytes)" if tail and is_torn(tail) else ""


def is_torn(line: bytes) -> bool:
    """Return whether a line without its newline is only a part of what was to be written.

    No part of a trial's JSON is JSON itself.
    """
    try:
        json.loads(line)
    except ValueError:
        return True
    return False


def _unfinished_line(file: BinaryIO) -> bytes:
    """Return what follows the last newline of a file."""
    last = deque(file, maxlen=1)
    return last[0] if last and not last[0].endswith(b"\n") else b""


def _trial(path: Path, number: int, line: bytes, before: Trial | None) -> Trial:
    try:
        trial = Trial.from_json(line.decode())
    except ValueError as error:
        reason = str(error).removeprefix("not a trial record: ")
        raise UserError(f"{path}:{number}: damaged record ({reason}); restore the file from a copy") from None
    if trial.number != number:
        raise UserError(
            f"{path}:{number}: trial {number} expected here, found {trial.number}; restore the file"
        )
    if before is not None and trial.versions == before.versions:
        # One table of versions for all: it is a fifth of what a long run holds in memory.
        return replace(trial, versions=before.versions)
    return trial


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
    """The journal of a run, opened for writing by one process at a time.

    Attributes:
        repaired: a sentence on the torn last line that was cut off; empty where there was none.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the journal, lock it, cut off a torn last line or give a complete one its newline.

        Raises:
            UserError: when another process writes to it, or it cannot be written or locked.
        """
        self._path = path
        self.repaired = ""
        try:
            self._descriptor = os.open(
                path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
            )
        except OSError as error:
            raise UserError(
                f"{path}: cannot be opened for writing: {error.strerror}; {remedy(error)}"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            if not isinstance(error, BlockingIOError):
                raise UserError(
                    f"{path}: cannot be locked: {error.strerror}; move the run to a disk where files can be"
                ) from None
            raise UserError(
                f"{path.parent}: another process is running this search; wait for it or stop it"
            ) from None
        try:
            self._end = self._mend_last_line()
        except BaseException:
            os.close(self._descriptor)
            raise

    def append(self, trial: Trial) -> None:
        """Write a trial and return when it is on the disk.

        Raises:
            UserError: when the disk is full or the file cannot be written, the journal is left as it was; or when the
                file is no longer under its name, the trial is in it nevertheless.
        """
        line = trial.to_json().encode() + b"\n"
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError as error:
            with suppress(OSError):  # of a disk that is read-only now: the next opening cuts off what is torn
                os.ftruncate(self._descriptor, self._end)
            raise UserError(
                f"{self._path}: trial {trial.number} could not be written: {error.strerror}; "
                f"{remedy(error)} and run `analognas resume {self._path.parent}`"
            ) from None
        self._end += len(line)
        self._check_name()

    def _check_name(self) -> None:
        """Check that the file is still under its name: all else that the run writes goes there."""
        facts = os.fstat(self._descriptor)
        try:
            in_place = os.path.samestat(facts, self._path.lstat())
        except OSError:
            in_place = False
        if not in_place:
            raise UserError(
                f"{self._path}: was removed, replaced or moved while the search ran; "
                "put the run directory back, or give `analognas resume` the place where it is now"
            )

    def close(self) -> None:
        """Release the journal."""
        os.close(self._descriptor)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _mend_last_line(self) -> int:
        """Cut off or complete what follows the last newline and return the length of the file then."""
        size = os.fstat(self._descriptor).st_size
        with open(self._descriptor, "rb", closefd=False) as file:
            tail = _unfinished_line(file)
        if not tail:
            return size
        end = size - len(tail)
        try:
            if is_torn(tail):
                os.ftruncate(self._descriptor, end)
                self.repaired = (
                    f"{self._path}: the last line was torn and is dropped ({len(tail)} bytes); "
                    "that trial is made again"
                )
                return end
            os.write(self._descriptor, b"\n")
            os.fsync(self._descriptor)
        except OSError as error:
            raise UserError(f"{self._path}: cannot be written: {error.strerror}; {remedy(error)}") from None
        return size + 1
