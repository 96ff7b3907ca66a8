"""The three standard streams of a process, where some of them are closed or cannot be written.

Without one of them the next file that such a process opens, the record of a run among them, would get the stream's
number, and whatever native code writes there would end up in that file.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO


def open_missing_streams() -> None:
    """Open each of the standard streams that is closed on the null device."""
    null = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    while null <= 2:
        os.set_inheritable(null, True)
        null = os.dup(null)
    os.close(null)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, "w", closefd=False))


def drop_output(stream: TextIO | None = None) -> None:
    """Let what a stream, the output by default, could not write go, instead of trying again when the process ends."""
    with suppress(OSError):  # a stream without a descriptor keeps nothing back
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, (stream or sys.stdout).fileno())
        os.close(null)


def end_output() -> None:
    """Write what both streams hold back, or let it go, and all that follows.

    The terminal may be closed: what cannot be written would change the exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
        drop_output(stream)
