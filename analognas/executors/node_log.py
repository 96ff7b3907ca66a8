"""What an attempt writes on a node that does not have the run directory: a file in the node's temporary folder.

The file is there while its attempt runs, and locked. A worker that dies leaves it behind for the driver to fetch; what
no driver fetched, because that was killed, too, is removed by the next worker that starts on the node.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

from analognas.executors.attempts import Attempt
from analognas.executors.trial_log import output_to

MAX_LOG_BYTES: Final = 65_536
"""What a node sends back of what an evaluation wrote there: the last bytes."""

ORPHANED_S: Final = 600.0
"""Seconds without a writer after which nobody fetches a file any more."""


@contextmanager
def output_on_node(run: str, attempt: Attempt) -> Iterator[Path]:
    """Send what this process writes to the file of an attempt, and yield its path; `run` is a word nobody can guess."""
    path = log_on_node(run, attempt)
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:  # a full disk is no reason to stop a search
        yield path
        return
    try:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        with output_to(path, mode=0o600):
            yield path
    finally:
        os.close(lock)


def log_on_node(run: str, attempt: Attempt) -> Path:
    """Return where an attempt of `run` writes."""
    return Path(tempfile.gettempdir(), f"analognas-{run}-{attempt.job.key}-{attempt.number}.log")


def take_log(path: Path) -> str:
    """Return the end of a file and remove it; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - MAX_LOG_BYTES))
            text = file.read(MAX_LOG_BYTES).decode(errors="replace")
        path.unlink()
    except OSError:
        return ""
    return text


def remove_logs(run: str) -> None:
    """Remove every file of a run that ends."""
    for path in Path(tempfile.gettempdir()).glob(f"analognas-{run}-*.log"):
        path.unlink(missing_ok=True)


@cache
def remove_orphans_once() -> None:
    """Remove, once a process, this user's files that nobody writes any more and nobody fetched."""
    for path in Path(tempfile.gettempdir()).glob("analognas-*-*-*.log"):
        with suppress(OSError):
            if _is_orphan(path):
                path.unlink()


def _is_orphan(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(descriptor)
        if facts.st_uid != os.getuid() or time.time() - facts.st_mtime < ORPHANED_S:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while an attempt holds it
    finally:
        os.close(descriptor)
    return True
