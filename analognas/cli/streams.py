"""The standard streams of a process, where they cannot be written."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def prepare_streams() -> None:
    """Let no message on the error stream end a search.

    Its reader may have gone, its terminal may be closed, its disk may be full.
    """
    if sys.stderr is None:
        return
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_News(2, "w", closefd=False)),
        encoding=sys.stderr.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )


class _News(io.FileIO):
    """Takes what is written to it, whether or not the system does."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write the bytes, or let them go."""
        with suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes


def drop_output() -> None:
    """Let what the output could not write go, instead of trying again when the process ends."""
    with suppress(OSError):  # a stream without a descriptor keeps nothing back
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def end_output() -> None:
    """Write what the output holds back, or let it go: where its terminal is closed, that must not be the exit code."""
    with suppress(OSError):
        sys.stdout.flush()
    drop_output()
