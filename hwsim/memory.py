"""How much memory this machine, or the container that we run in, still has."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_UNKNOWN: Final = 4 << 30
"""Bytes to count with where the system tells nothing."""

_CGROUPS: Final = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available_bytes() -> int:
    """Return the bytes that can still be used without swapping, at least 0."""
    left = [_of_machine()]
    for limit, used in _CGROUPS:
        most, now = _number(limit), _number(used)
        if most is not None and now is not None:
            left.append(most - now)
    return max(0, min(left))


def size(n_bytes: float) -> str:
    """Return a size for reading.

    >>> size(5_200_000_000), size(3_000_000)
    ('5.2 GB', '3 MB')
    """
    return f"{n_bytes / 1e9:.3g} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.3g} MB"


def _of_machine() -> int:
    try:
        found = re.search(
            r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE
        )
        if found is not None:
            return int(found[1]) * 1024
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError):  # neither Linux nor another Unix
        return _UNKNOWN


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text("ascii"))
    except (OSError, ValueError):  # no such group, or the word "max"
        return None
