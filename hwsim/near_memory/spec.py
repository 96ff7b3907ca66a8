"""The specification of the digital unit next to a tile: floating point, or fixed point of any widths.

Q(i, f) is a fixed-point format with `i` integer and `f` fractional bits. Offsets and outputs count in steps of the
output word, which `hwsim.calibrate` fits to what a layer puts out.

References:
    Ferro et al., A precision-optimized fixed-point near-memory digital processing unit for analog in-memory
    computing, ISCAS 2024, arXiv 2402.07549: scale Q(1, 7) unsigned, offset Q(7, 1) signed. Other widths, the
    places of the roundings, saturation and the exponent of a tile are not published: the defaults are ours. Whether the
    seven integer bits of the offset include its sign is not, either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias, final

from pydantic import Field, model_validator

from hwsim.spec import Spec

Rounding: TypeAlias = Literal["floor", "half-up", "half-even", "half-away"]
"""To the next lower step (truncation of two's complement), or to the nearest: halves upward, to the even step, or away
from zero."""

WIDEST_WORD: Final = 24
"""Bits of the widest scale or offset word: float32 holds every one of them exactly."""
WIDEST_SUM: Final = 48
"""Bits of the widest product of a tile: float64 holds sums over 32 row blocks exactly."""


@final
class FloatingPointSpec(Spec):
    """Scale, offset, partial sums and activation in floating point."""

    kind: Literal["floating-point"] = "floating-point"


@final
class FixedPointSpec(Spec):
    """Fixed-point post-processing: scale, offset, partial sums, ReLU, and an output word of a few bits."""

    kind: Literal["fixed-point"] = "fixed-point"
    scale_integer: int = Field(default=1, ge=0, le=8)
    """Integer bits of the unsigned scale of a column."""
    scale_fraction: int = Field(default=7, ge=0, le=16)
    """Fractional bits of the scale of a column."""
    exponent_bits: int = Field(default=5, ge=1, le=6)
    """Bits of the two's complement exponent of a tile, which shifts all scales of the tile to the right."""
    offset_integer: int = Field(default=7, ge=0, le=16)
    """Integer bits of the signed offset of a column, in steps of the output word."""
    offset_fraction: int = Field(default=1, ge=0, le=16)
    """Fractional bits of the offset of a column."""
    offset_bits: Literal["including-sign", "besides-sign"] = "besides-sign"
    """Whether the sign of the offset is one of its integer bits (-64 to 63.5 for 7 and 1) or one bit more
    (-128 to 127.5, all of an output word of 8 bits)."""
    product_fraction: int = Field(default=7, ge=0, le=16)
    """Fractional bits that the product of count and scale keeps, in steps of the output word."""
    product_rounding: Rounding = "half-up"
    """Rounding of the product, a magnitude: positive and negative counts have a branch each."""
    partial_sums: Literal["full-width", "output-width"] = "full-width"
    """Sums over row blocks: `full-width` rounds once, behind the last block; `output-width` hands an output word,
    rounded and saturated, from block to block."""
    rounding: Rounding = "half-up"
    """Rounding of the sum to the output word."""
    overflow: Literal["saturate", "wrap"] = "saturate"
    """What becomes of a sum beyond the output word: its bound, or what the lower bits leave."""
    output_bits: int = Field(default=8, ge=2, le=16)
    """Bits of the two's complement output word."""

    @model_validator(mode="after")
    def _words_have_bits(self) -> FixedPointSpec:
        scale, offset = self.scale_bits, self.offset_width
        if not 1 <= scale <= WIDEST_WORD:
            raise ValueError(f"`1 <= scale_integer + scale_fraction <= {WIDEST_WORD}` must hold, got {scale}")
        if not 2 <= offset <= WIDEST_WORD:
            raise ValueError(f"an offset must have 2 to {WIDEST_WORD} bits with its sign, got {offset}")
        if self.offset_bits == "including-sign" and self.offset_integer < 1:
            raise ValueError("`offset_integer >= 1` must hold where it includes the sign, got 0")
        return self

    @property
    def scale_bits(self) -> int:
        """Bits of the scale word."""
        return self.scale_integer + self.scale_fraction

    @property
    def offset_width(self) -> int:
        """Bits of the offset word with its sign."""
        return self.offset_integer + self.offset_fraction + (self.offset_bits == "besides-sign")

    @property
    def largest_scale(self) -> int:
        """Largest scale word."""
        return (1 << self.scale_bits) - 1

    @property
    def largest_offset(self) -> int:
        """Largest offset word; the least is one below its negative."""
        return (1 << (self.offset_width - 1)) - 1

    @property
    def exponents(self) -> tuple[int, int]:
        """Least and largest exponent of a tile."""
        half = 1 << (self.exponent_bits - 1)
        return -half, half - 1

    @property
    def largest_output(self) -> int:
        """Largest output word; the least is one below its negative."""
        return (1 << (self.output_bits - 1)) - 1

    def sum_bits(self, adc_bits: int) -> int:
        """Bits of the magnitude of a rounded product with the least exponent: no product of a tile is wider."""
        return adc_bits - 1 + self.scale_integer - self.exponents[0] + self.product_fraction


DIGITAL_UNITS: Final[Mapping[str, type[Spec]]] = {
    "floating-point": FloatingPointSpec,
    "fixed-point": FixedPointSpec,
}
"""Specifications by `kind`."""

AnyDigitalUnit: TypeAlias = Annotated[FloatingPointSpec | FixedPointSpec, Field(discriminator="kind")]
