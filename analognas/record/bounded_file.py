"""Reads a small text file that a stranger may have made: no more than a bound, and only from a plain file.

A pipe would never end, a device neither, and a file of gigabytes would fill the memory before anything looks at it.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_bounded(path: Path, max_bytes: int) -> str:
    """Return the text of a plain file of at most `max_bytes` bytes, UTF-8.

    Raises:
        OSError: when it is missing, no plain file, or larger.
        ValueError: when it is not UTF-8.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "is not a plain file", str(path))
        content = b"" if facts.st_size > max_bytes else file.read(max_bytes + 1)
        if facts.st_size > max_bytes or len(content) > max_bytes:
            raise OSError(errno.EFBIG, f"has more than {max_bytes} bytes", str(path))
    return content.decode("utf-8")


def is_plain_file(path: Path) -> bool:
    """Return whether `path` is a file whose reading ends: no pipe, no device, no folder."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
