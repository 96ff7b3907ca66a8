"""The fixed-point unit in plain Python integers, one output at a time: shifts, adders and comparisons."""

from collections.abc import Sequence
from typing import NamedTuple

from hwsim.near_memory import FixedPointSpec


class Branches(NamedTuple):
    """Unsigned counts of currents of either sign of one row block, its scale word and the exponent of its tile."""

    plus: int
    minus: int
    scale: int
    exponent: int


class Widths(NamedTuple):
    """Bits of the largest magnitudes on the way."""

    product: int
    total: int


def shifted(value: int, bits: int, mode: str) -> int:
    """Return ``value / 2^bits`` rounded to an integer; a negative shift is exact."""
    if bits <= 0:
        return value << -bits
    low = value >> bits  # Python's shift is a floor, for negative numbers too
    rest = value - (low << bits)
    half = 1 << (bits - 1)
    if mode == "floor" or rest < half:
        return low
    if rest > half or mode == "half-up":
        return low + 1
    if mode == "half-even":
        return low + (low & 1)
    return low + (value > 0)


def bounded(value: int, spec: FixedPointSpec, relu: bool) -> int:
    most, least = 2 ** (spec.output_bits - 1) - 1, -(2 ** (spec.output_bits - 1))
    if relu and value < 0:
        value = 0
    if spec.overflow == "wrap":
        return (value - least) % 2**spec.output_bits + least
    return min(max(value, least), most)


def output(
    blocks: Sequence[Branches], offset: int, spec: FixedPointSpec, relu: bool = False
) -> tuple[int, Widths]:
    """Return the output word of one column, and how wide its intermediate words were."""
    fraction = max(spec.product_fraction, spec.offset_fraction)
    total, widest = 0, Widths(0, 0)
    for number, (plus, minus, scale, exponent) in enumerate(blocks):
        if scale < 0:
            plus, minus, scale = minus, plus, -scale
        bits = spec.scale_fraction + exponent - spec.product_fraction
        branches = [shifted(count * scale, bits, spec.product_rounding) for count in (plus, minus)]
        total += (branches[0] - branches[1]) << (fraction - spec.product_fraction)
        is_last = number == len(blocks) - 1
        if is_last:
            total += offset << (fraction - spec.offset_fraction)
        product = max(plus, minus) * scale
        widest = Widths(max(widest.product, product.bit_length()), max(widest.total, total.bit_length()))
        if is_last or spec.partial_sums == "output-width":
            total = bounded(shifted(total, fraction, spec.rounding), spec, relu and is_last)
            total = total if is_last else total << fraction
    return total, widest
