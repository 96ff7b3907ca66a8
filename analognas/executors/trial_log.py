"""What an evaluation wrote, kept in a file of the run directory that bears the name of its candidate.

Output is taken from the file descriptors, so that native code and the trace of a crash are in it, and line by line, so
that nothing of it is lost with a worker that dies. A log that cannot be written, on a full disk, behind a symbolic link
or in a pipe that nobody reads, is no reason to stop a search.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from analognas.executors.attempts import Attempt
from analognas.executors.executor import now_utc

_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_log(logs: Path | None, attempt: Attempt, text: str) -> None:
    """Append what an attempt wrote, or how it ended; nothing for no text or no folder."""
    if logs is None or not text:
        return
    with (
        suppress(OSError),
        os.fdopen(os.open(logs / f"{attempt.job.key}.log", _APPEND, 0o644), "w") as file,
    ):
        file.write(f"attempt {attempt.number}, {now_utc()}\n{text.rstrip()}\n\n")


@contextmanager
def output_to(path: Path | None, mode: int = 0o644) -> Iterator[None]:
    """Send everything this process writes to the end of a file, and remove the file when it is empty."""
    if path is None:
        yield
        return
    try:
        log = os.open(path, _APPEND, mode)
    except OSError:
        yield
        return
    _flush()
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    for stream, _ in kept:
        os.dup2(log, stream)
    try:
        yield
    finally:
        _flush()
        for stream, copy in kept:
            os.dup2(copy, stream)
            os.close(copy)
        if os.fstat(log).st_size == 0:
            path.unlink(missing_ok=True)
        os.close(log)


def write_at_once() -> None:
    """Let this process write every line when it is complete: what waits in memory dies with the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
