"""Seeds of child generators, derived from the run's seed and a purpose.

Every random draw of a run comes from a generator whose seed is a hash of the run's seed and of what it is for, so
that no draw depends on how many others came before it.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

MOST_SEEDS: Final = 1000
"""Searches of one strategy in a comparison."""


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for `purpose`.

    >>> derive_seed(0, "ask", 12) == derive_seed(0, "ask", 12) != derive_seed(1, "ask", 12)
    True
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a numpy generator for `purpose`."""
    return np.random.default_rng(derive_seed(seed, *purpose))
