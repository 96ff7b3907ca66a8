"""Random numbers of pulses that depend on a key and a place alone, the same compiled and on torch's operations.

Normal numbers come from one pool, read at offsets that the key, the row of the array and the event hash to; bits of
pulse trains come from a hash of key, slot and line. A pool repeats itself: two rows may overlap with a shift, which
leaves the distribution of each number, and the independence within a row, untouched.

References:
    Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014 (SplitMix64).
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from hwsim.streams import stream

POOL_SIZE: Final = 1 << 18
"""Different normal numbers; a power of two."""
GOLDEN: Final = 0x9E3779B97F4A7C15
MASK32: Final = 0xFFFFFFFF
WRITING: Final = (1 << 20) - 1
"""Event of the write noise."""


@functools.cache
def _pool(longest: int) -> torch.Tensor:
    numbers = torch.randn(POOL_SIZE, generator=stream("pool of pulses"), dtype=torch.float32)
    return torch.cat([numbers, numbers.repeat(-(-longest // POOL_SIZE))[:longest]])


def pool(columns: int) -> torch.Tensor:
    """Return `(POOL_SIZE + m,)` float32 normal numbers, m at least `columns`; the end repeats the beginning."""
    return _pool(max(1 << 12, 1 << (columns - 1).bit_length()))


def mix(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return SplitMix64's finaliser of each number."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def normals(like: torch.Tensor, key: int, event: int) -> torch.Tensor:
    """Return the normal numbers of one event, of the shape `(rows, columns)` of `like` and on its device."""
    rows, columns = like.shape
    index = (np.arange(rows, dtype=np.uint64) << np.uint64(20)) + np.uint64(event + 1)
    offsets = mix(index * np.uint64(GOLDEN) + np.uint64(key)) & np.uint64(POOL_SIZE - 1)
    starts = torch.from_numpy(offsets.astype(np.int64))
    return pool(columns).unfold(0, columns, 1)[starts].to(like.device)


def uniform_24(n: int, keys: npt.NDArray[np.uint64], device: torch.device) -> torch.Tensor:
    """Return whole numbers from 0 to 2^24 - 1, evenly spread: `(len(keys), n)` int64."""
    seeds = mix(keys)
    first, second = (
        torch.from_numpy((part & np.uint64(MASK32)).astype(np.int64)).to(device)[:, None]
        for part in (seeds, seeds >> np.uint64(32))
    )
    h = (torch.arange(n, device=device) * 0x9E3779B9 + first) & MASK32
    h = ((h ^ (h >> 16)) * 0x7FEB352D) & MASK32
    h = h ^ second
    h = ((h ^ (h >> 15)) * 0x846CA68B) & MASK32
    return (h ^ (h >> 16)) >> 8
