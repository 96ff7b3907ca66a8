"""Keeps the memory of finished tensors instead of handing it back to the system after every step.

Activations of a small network are blocks of some megabytes. The C library returns such blocks to the system as soon as
they are free, and the system clears every page of them again at the next step: a tenth of a training. With glibc,
blocks up to 32 MB then come from a heap that is not trimmed; elsewhere nothing changes. The process holds on to the
largest amount it has used.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_TOP_PAD: Final = -2
M_MMAP_THRESHOLD: Final = -3
LARGEST_BLOCK: Final = 32 << 20
"""The most that glibc accepts."""
PAD: Final = 64 << 20
NEVER: Final = (1 << 31) - 1


@functools.cache
def keep_memory() -> bool:
    """Set it for this process, once; return whether the C library took it."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((M_MMAP_THRESHOLD, LARGEST_BLOCK), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, PAD))
    taken = [mallopt(name, value) == 1 for name, value in settings]
    return all(taken)
