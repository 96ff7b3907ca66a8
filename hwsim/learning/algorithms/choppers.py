"""Choppers: signs of the fast array's columns that flip, so that an offset of the reference averages out."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch

from hwsim.streams import stream

Chopper: TypeAlias = Literal["random", "regular"]
"""Whether a column's sign flips at random after a read, or after a fixed number of reads."""


def period(probability: float) -> int:
    """Return the reads between two flips of a regular chopper.

    Example:
        >>> period(0.1), period(0.9)
        (10, 2)
    """
    return max(math.ceil(1 / probability), 2)


def flips(chopper: Chopper, probability: float, reads: torch.Tensor, seed: int) -> torch.Tensor:
    """Return which columns flip now, `(columns,)` bool.

    Args:
        chopper: kind of the chopper.
        probability: of a flip after a read.
        reads: of each column until now.
        seed: of random flips.
    """
    if probability == 0:
        return torch.zeros_like(reads, dtype=torch.bool)
    if chopper == "regular":
        return reads % period(probability) == 0
    return (torch.rand(reads.shape, generator=stream(seed)) < probability).to(reads.device)
