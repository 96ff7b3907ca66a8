"""The three standard streams of a process, where some of them are closed or cannot be written.

Without one of them the next file that such a process opens, the record of a run among them, would get the stream's
number, and whatever native code writes there would end up in that file.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def prepare_streams() -> None:
    """Open the standard streams that are closed on the null device, and let what is told fail no command.

    What is told on the error stream is only news: that nobody reads it any more, that its terminal was closed or its
    disk is full must neither end a search nor change its exit code.
    """
    null = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    while null <= 2:
        os.set_inheritable(null, True)
        null = os.dup(null)
    os.close(null)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    encoding = "utf-8" if sys.stderr is None else sys.stderr.encoding
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_News(2, "w", closefd=False)),
        encoding=encoding,
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
