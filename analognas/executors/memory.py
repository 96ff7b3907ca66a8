"""How much memory an evaluation may take, and whether the kernel took a process for want of it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Final

GIGABYTE: Final = 10**9
_OOM_COUNTERS: Final = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))


def import_ahead(gigabytes: float | None) -> None:
    """Import, where memory is bounded, what torch imports in the first training of a process.

    It is no part of an evaluation's memory, and what runs out of memory half-way stays broken for every later one.
    """
    if gigabytes is not None:
        import_module("torch._dynamo")


@contextmanager
def memory_limit(gigabytes: float | None) -> Iterator[None]:
    """Let this process take `gigabytes` more than it holds now; beyond, allocating raises `MemoryError`.

    The limit counts private memory (`RLIMIT_DATA`): a data set in shared memory is free. Where the system does not
    say how much a process holds, there is no limit.
    """
    held = _private_bytes()
    if gigabytes is None or held is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + round(gigabytes * GIGABYTE)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _private_bytes() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return None


def n_killed_for_memory() -> int:
    """Return how many processes the kernel has killed for want of memory, here and on this machine, 0 if unknown."""
    total = 0
    for path in _OOM_COUNTERS:
        with suppress(OSError, ValueError, IndexError):
            total += sum(
                int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith("oom_kill ")
            )
    return total
