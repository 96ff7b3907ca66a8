"""Named random streams: one seed for each (experiment, chip, purpose, time), shared by no two of them.

Keys are hashed (BLAKE2b), so that chip 7 is the same chip however many others are programmed, and in any
order. torch is imported where it draws: device files import this one, and configurations are checked without torch.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive_seed(*key: int | float | str) -> int:
    """Return the 63-bit seed of a named stream.

    Example:
        >>> derive_seed(0, "chip", 3) == derive_seed(0, "chip", 3) != derive_seed(0, "chip", 4)
        True
    """
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def standard_normal(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return normal numbers of the shape of `like`, on its device.

    They are drawn where the generator is, so that a CPU generator gives the same chip on every device.
    """
    import torch

    return torch.randn(like.shape, dtype=torch.float32, generator=generator, device=generator.device).to(
        like.device
    )


def uniform(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return numbers from 0 to below 1 of the shape of `like`, on its device, drawn where the generator is."""
    import torch

    return torch.rand(like.shape, dtype=torch.float32, generator=generator, device=generator.device).to(
        like.device
    )


def stream(*key: int | float | str) -> torch.Generator:
    """Return a CPU generator seeded with `derive_seed(*key)`."""
    import torch

    return torch.Generator().manual_seed(derive_seed(*key))
