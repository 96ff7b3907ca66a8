import itertools

import pytest
import torch

from hwsim.near_memory import FixedPointSpec
from hwsim.near_memory.unit import FixedPointUnit
from hwsim.near_memory.words import Words
from tests.hwsim.near_memory.integers import Branches, output

ROUNDINGS = ("floor", "half-up", "half-even", "half-away")
COUNT_BITS = 12  # of each of the two counts of HERMES


def _words(spec: FixedPointSpec, scale: torch.Tensor, exponent: torch.Tensor, offset: torch.Tensor) -> Words:
    factor = scale.double() * 2.0 ** (spec.product_fraction - spec.scale_fraction - exponent).double()
    shift = offset.double() * 2.0 ** (spec.product_fraction - spec.offset_fraction)
    return Words(scale, exponent, offset, factor.float(), shift.float())


def _compare(spec: FixedPointSpec, n: int, seed: int, *, blocks: int = 1, relu: bool = False) -> None:
    """Compare `n` random columns, each with both counts of every row block, with Python's integers."""
    generator = torch.Generator().manual_seed(seed)

    def integers(low: int, high: int, *size: int) -> torch.Tensor:
        return torch.randint(low, high + 1, size, generator=generator)

    levels = 2**COUNT_BITS - 1
    counts = integers(0, levels, blocks, 2, n) * integers(0, 1, blocks, 2, n)  # many with one branch alone
    scale = integers(-spec.largest_scale, spec.largest_scale, blocks, n)
    exponent = integers(max(-3, spec.exponents[0]), min(7, spec.exponents[1]), blocks, n)
    offset = integers(-spec.largest_offset - 1, spec.largest_offset, n)
    # the second branch as a row block of its own, whose counts are negative
    words = _words(
        spec, scale.repeat_interleave(2, 0).float(), exponent.repeat_interleave(2, 0), offset.float()
    )
    unit = FixedPointUnit(spec, levels)
    signed = [part.float() * sign for block in counts for part, sign in zip(block, (1, -1), strict=True)]
    found = unit.outputs(signed, words, (-1,), relu=relu, wide=unit.is_wide(words))
    rows = list(zip(counts.permute(2, 0, 1).tolist(), scale.T.tolist(), exponent.T.tolist(), strict=True))
    largest = int(unit.largest_sum(words)) << max(0, spec.offset_fraction - spec.product_fraction)
    for index, ((plus_minus, scales, exponents), number) in enumerate(
        zip(rows, offset.tolist(), strict=True)
    ):
        columns = [
            Branches(plus, minus, one, e)
            for (plus, minus), one, e in zip(plus_minus, scales, exponents, strict=True)
        ]
        wanted, widths = output(columns, number, spec, relu)
        assert found[index] == wanted, (columns, number, spec)
        assert widths.product <= unit.product_bits <= COUNT_BITS + spec.scale_bits
        assert widths.total <= largest.bit_length()


@pytest.mark.parametrize(("rounding", "product_rounding"), list(itertools.product(ROUNDINGS, ROUNDINGS)))
def test_the_unit_equals_integers_bit_for_bit(rounding: str, product_rounding: str) -> None:
    spec = FixedPointSpec(rounding=rounding, product_rounding=product_rounding)
    _compare(spec, 6_250, seed=ROUNDINGS.index(rounding))


FORMATS = {
    "truncating": {"product_fraction": 0, "offset_fraction": 3, "rounding": "floor"},
    "wide": {"scale_fraction": 16, "product_fraction": 16, "offset_fraction": 12, "rounding": "half-even"},
    "narrow": {
        "scale_integer": 0,
        "scale_fraction": 2,
        "exponent_bits": 2,
        "output_bits": 3,
        "offset_integer": 2,
    },
    "signed-offset": {"offset_bits": "including-sign", "rounding": "half-away"},
    "wrapping": {"overflow": "wrap", "rounding": "floor", "product_rounding": "floor"},
    "wrapping-wide": {"overflow": "wrap", "scale_fraction": 14, "output_bits": 12, "rounding": "half-even"},
}


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_any_format_equals_integers_bit_for_bit(name: str, relu: bool) -> None:
    spec = FixedPointSpec(**FORMATS[name])
    _compare(spec, 3_000, seed=1, relu=relu)
    _compare(spec, 1_000, seed=2, relu=relu, blocks=3)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_partial_sums_of_output_width_are_words_between_blocks(rounding: str) -> None:
    spec = FixedPointSpec(partial_sums="output-width", rounding=rounding, scale_fraction=5)
    generator = torch.Generator().manual_seed(0)
    levels, n = 127, 2_000
    counts = torch.randint(-levels, levels + 1, (3, n), generator=generator)
    scale = torch.randint(-spec.largest_scale, spec.largest_scale + 1, (3, n), generator=generator)
    exponent = torch.randint(0, 4, (3, n), generator=generator)
    offset = torch.randint(-100, 100, (n,), generator=generator)
    words = _words(spec, scale.float(), exponent, offset.float())
    found = FixedPointUnit(spec, levels).outputs(list(counts.float()), words, (-1,), wide=False)
    for index in range(n):
        columns = [
            Branches(max(count, 0), max(-count, 0), one, e)
            for count, one, e in zip(
                counts[:, index].tolist(), scale[:, index].tolist(), exponent[:, index].tolist(), strict=True
            )
        ]
        assert found[index] == output(columns, int(offset[index]), spec)[0]


def test_float32_takes_over_only_where_it_is_exact() -> None:
    spec = FixedPointSpec()
    narrow = _words(spec, torch.full((1, 3), 200.0), torch.full((1, 3), 2), torch.zeros(3))
    assert not FixedPointUnit(spec, 127).is_wide(narrow)
    shifted_left = _words(spec, torch.full((1, 3), 200.0), torch.full((1, 3), -16), torch.zeros(3))
    assert FixedPointUnit(spec, 127).is_wide(shifted_left)
    assert FixedPointUnit(FixedPointSpec(scale_fraction=16), 2**11 - 1).is_wide(narrow)


def test_truncation_shifts_outputs_by_half_a_step_and_nearest_rounding_does_not() -> None:
    generator = torch.Generator().manual_seed(0)
    counts = [torch.randint(20, 120, (200_000,), generator=generator).float()]
    shifts = {}
    for mode in ("floor", "half-up", "half-even", "half-away"):
        spec = FixedPointSpec(rounding=mode, product_rounding="half-even", product_fraction=16)
        words = _words(spec, torch.full((1, 1), 149.0), torch.full((1, 1), 1), torch.zeros(1))
        outputs = FixedPointUnit(spec, 127).outputs(counts, words, (-1,))
        shifts[mode] = float((outputs - counts[0] * (149 / 256)).mean())
    assert shifts.pop("floor") == pytest.approx(-0.5, abs=0.01)
    assert all(abs(shift) < 0.01 for shift in shifts.values())
