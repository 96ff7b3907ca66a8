"""Rounding and overflow of fixed-point numbers, in floating point that holds every one of them exactly.

A number has the value ``integer * 2^-fraction``. float32 holds integers of up to 24 bits; half a step added to one of
23 bits is still exact, so that each function below returns what shifts and adders of integers would.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch

from hwsim.converters import round_half_away_
from hwsim.near_memory.spec import Rounding

EXACT_BITS: Final = 23
"""Bits of integers that float32 rounds exactly."""

SIGNED: Final[Mapping[Rounding, Rounding | None]] = {
    "floor": None,
    "half-up": "half-away",
    "half-even": "half-even",
    "half-away": "half-away",
}
"""What rounding a magnitude is for the signed number; None: toward zero."""


def rounded_(x: torch.Tensor, mode: Rounding | None) -> torch.Tensor:
    """Round `x` in place to integers; `mode` None rounds toward zero.

    Example:
        >>> [rounded_(torch.tensor([-2.5, 0.5]), mode).tolist() for mode in ("floor", "half-up", "half-even")]
        [[-3.0, 0.0], [-2.0, 1.0], [-2.0, 0.0]]
    """
    match mode:
        case None:
            return x.trunc_()
        case "floor":
            return x.floor_()
        case "half-up":
            return x.add_(0.5).floor_()
        case "half-even":
            return x.round_()
        case "half-away":
            return round_half_away_(x)


def wrapped_(x: torch.Tensor, bits: int) -> torch.Tensor:
    """Keep in place the `bits` lower bits of integers, as two's complement.

    Example:
        >>> wrapped_(torch.tensor([127.0, 128.0, -129.0]), 8).tolist()
        [127.0, -128.0, 127.0]
    """
    half = float(2 ** (bits - 1))
    return x.add_(half).remainder_(2 * half).sub_(half)
