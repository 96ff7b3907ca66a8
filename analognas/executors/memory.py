"""How much memory an evaluation may take, how much there is, and whether the kernel killed a process for it."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

GIGABYTE: Final = 10**9
_CGROUPS: Final = Path("/sys/fs/cgroup")
_OOM_COUNTERS: Final = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))


TOO_LARGE: Final = "too large for memory"
"""What the reason of an evaluation begins with that cannot fit on its machine."""

OWN_BOUND: Final = "`executor.memory_gb`"
"""What the bound of this process is called: it sets one for each evaluation."""


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
    """Return how many processes the kernel has killed because memory ran out; 0 if unknown."""
    total = 0
    for path in _OOM_COUNTERS:
        with suppress(OSError, ValueError, IndexError):
            total += sum(
                int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith("oom_kill ")
            )
    return total


def usable_memory() -> tuple[int, str]:
    """Return the bytes that an evaluation in this process can have at most, and what sets this limit.

    That is what a bound of this process leaves, or all that its control groups or the machine have: what other
    processes hold at the moment does not count, so that the same candidate meets the same limit every time.
    """
    soft, held = resource.getrlimit(resource.RLIMIT_DATA)[0], _private_bytes()
    limits = [_machine_bytes()]
    if soft != resource.RLIM_INFINITY and held is not None:
        limits.append((max(0, soft - held), OWN_BOUND))
    return min(limits)


@cache
def _machine_bytes() -> tuple[int, str]:
    limits = [(resource.getpagesize() * os.sysconf("SC_PHYS_PAGES"), "this machine")]
    limits += [(limit, "its control group") for limit in control_group_limits()]
    return min(limits)


def control_group_limits(of: Path = Path("/proc/self/cgroup"), root: Path = _CGROUPS) -> list[int]:
    """Return the limits on memory, bytes, of the control groups that a process is in, of both versions.

    Args:
        of: lines such as `0::/user.slice`, as /proc has them.
        root: where the groups are mounted.
    """
    found = []
    with suppress(OSError):
        for line in of.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "memory" not in controllers.split(","):
                continue
            top, name = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
            inner = Path(path.lstrip("/"))
            for group in (inner, *inner.parents):
                # a container sees its own group as the root; `max` is no number
                with suppress(OSError, ValueError):
                    found.append(int((top / group / name).read_text()))
    return found
