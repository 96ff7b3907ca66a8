"""The words that a fixed-point unit holds: a scale and an offset for each column, and an exponent for each tile.

    y = 2^-e S n / 2^f + O / 2^g,      S = round(a 2^e 2^f) <= 2^(i+f) - 1,      O = round(b 2^g), bounded

`a` are steps of the output word for one count n of the ADC, `b` is the offset in these steps, `f` and `g` are the
fractional bits of scale and offset. The exponent `e` of a tile puts its largest `a` into the upper half of the range,
[1, 2) for one integer bit; every other column of the tile loses a bit for each power of two that it is smaller. A
column with a negative `a` (a batch norm with a negative gain) has its branches swapped: scales are unsigned.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final, final

import torch

from hwsim.near_memory.spec import FixedPointSpec

LARGEST_POWER: Final = 96
"""Exponents of scales and products stay below: 32 of a tile, and fractions of 16 bits each."""


@final
@dataclass(frozen=True)
class Words:
    """The words of one layer; integers as floating-point numbers.

    Attributes:
        scale: `(blocks, columns)` float32, S; negative where the branches are swapped.
        exponent: `(blocks, columns)` int64, e of the tile that holds a block of a column.
        offset: `(columns,)` float32, O.
        factor: `(blocks, columns)` float32, exactly what one count adds in steps of the product.
        shift: `(columns,)` float32, exactly what the offset adds in these steps.
    """

    scale: torch.Tensor
    exponent: torch.Tensor
    offset: torch.Tensor
    factor: torch.Tensor
    shift: torch.Tensor

    @property
    def significant_bits(self) -> torch.Tensor:
        """`(blocks, columns)` int64: bits of each scale word from the first that is set; 0 for a scale of 0."""
        return torch.frexp(self.scale.abs())[1].long()


@torch.no_grad()
def words_of(
    steps: torch.Tensor, offsets: torch.Tensor, tile_of: torch.Tensor, spec: FixedPointSpec
) -> Words:
    """Return the words of a layer.

    Args:
        steps: `(blocks, columns)` float32, steps of the output word for one count.
        offsets: `(columns,)` float32, offsets in these steps.
        tile_of: `(blocks, columns)` int64, the tile that holds a block of a column.
        spec: the formats.

    Example:
        >>> found = words_of(torch.tensor([[0.75, -0.1]]), torch.zeros(2), torch.zeros(1, 2).long(), FixedPointSpec())
        >>> found.scale.tolist(), found.exponent.tolist(), found.significant_bits.tolist()
        ([[192.0, -26.0]], [[1, 1]], [[8, 5]])
    """
    magnitudes = steps.abs()
    largest = magnitudes.new_zeros(int(tile_of.max()) + 1)
    largest = largest.scatter_reduce(0, tile_of.flatten(), magnitudes.flatten(), "amax")
    least, most = spec.exponents
    exponent = (spec.scale_integer - torch.frexp(largest)[1].long()).clamp(least, most)[tile_of]
    scale = (magnitudes * _power(exponent + spec.scale_fraction)).round().clamp(max=spec.largest_scale)
    scale = torch.copysign(scale, steps)
    offset = (offsets * 2.0**spec.offset_fraction).round()
    offset = offset.clamp(-spec.largest_offset - 1, spec.largest_offset)
    return Words(
        scale=scale,
        exponent=exponent,
        offset=offset,
        factor=scale * _power(spec.product_fraction - spec.scale_fraction - exponent),
        shift=offset * 2.0 ** (spec.product_fraction - spec.offset_fraction),
    )


def _power(exponents: torch.Tensor) -> torch.Tensor:
    """Return ``2.0 ** exponents``, exactly: what a library makes of it may be off by the last bit."""
    return _powers(exponents.device)[exponents + LARGEST_POWER]


@functools.cache
def _powers(device: torch.device) -> torch.Tensor:
    powers = [2.0**exponent for exponent in range(-LARGEST_POWER, LARGEST_POWER + 1)]
    return torch.tensor(powers, dtype=torch.float32, device=device)
