import math

import pytest
import torch

from hwsim.near_memory import FixedPointSpec
from hwsim.near_memory.words import words_of


def _steps(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows)


def test_the_exponent_of_a_tile_puts_its_largest_scale_into_the_upper_half_of_the_range() -> None:
    generator = torch.Generator().manual_seed(0)
    steps = torch.rand(3, 40, generator=generator) * 10.0 ** torch.randint(
        -3, 1, (3, 40), generator=generator
    )
    tile_of = torch.arange(3).unsqueeze(1) * 2 + (torch.arange(40) >= 17)
    for spec in (FixedPointSpec(), FixedPointSpec(scale_integer=0), FixedPointSpec(scale_integer=3)):
        words = words_of(steps, torch.zeros(40), tile_of, spec)
        value = words.scale / 2**spec.scale_fraction
        for tile in range(6):
            (exponent,) = words.exponent[tile_of == tile].unique().tolist()
            largest = float(value[tile_of == tile].max())
            assert 2.0 ** (spec.scale_integer - 1) <= largest < 2.0**spec.scale_integer
            found = value[tile_of == tile] * 2.0**-exponent
            step = 2.0 ** -(exponent + spec.scale_fraction)
            # half a step, and a whole one where the largest scale would round to the end of the range
            assert (found - steps[tile_of == tile]).abs().max() <= step


@pytest.mark.parametrize("power", range(-12, 13))
def test_powers_of_two_and_their_neighbours_have_the_right_exponent(power: int) -> None:
    exact = torch.tensor(2.0**power)
    below, above = torch.nextafter(exact, exact * 0), torch.nextafter(exact, exact * 2)
    for steps, scale, exponent in ((exact, 128, -power), (above, 128, -power), (below, 255, 1 - power)):
        words = words_of(steps.view(1, 1), torch.zeros(1), torch.zeros(1, 1).long(), FixedPointSpec())
        assert (int(words.scale), int(words.exponent)) == (scale, exponent)


def test_exponents_stay_in_their_word() -> None:
    spec = FixedPointSpec(exponent_bits=3)
    least, most = spec.exponents
    assert (least, most) == (-4, 3)
    words = words_of(_steps([1e-4, 1e6]), torch.zeros(2), torch.tensor([[0, 1]]), spec)
    assert words.exponent.tolist() == [[3, -4]]
    assert words.scale.tolist() == [[0.0, 255.0]]  # lost, and at its bound


def test_a_negative_gain_swaps_the_branches_and_significant_bits_count_magnitudes() -> None:
    words = words_of(
        _steps([1.5, -0.75, 0.011, 0.0]), torch.zeros(4), torch.zeros(1, 4).long(), FixedPointSpec()
    )
    assert words.scale.tolist() == [[192.0, -96.0, 1.0, 0.0]]
    assert words.significant_bits.tolist() == [[8, 7, 1, 0]]


@pytest.mark.parametrize(
    ("bits", "low", "high"), [("including-sign", -64, 63.5), ("besides-sign", -128, 127.5)]
)
def test_offsets_have_the_range_that_is_published_in_either_reading(
    bits: str, low: float, high: float
) -> None:
    spec = FixedPointSpec(offset_bits=bits)
    offsets = torch.tensor([-1000.0, 1000.0, 3.3, -3.3])
    words = words_of(torch.ones(1, 4), offsets, torch.zeros(1, 4).long(), spec)
    assert (words.offset / 2).tolist() == [low, high, 3.5, -3.5]
    assert (words.shift * 2.0**-spec.product_fraction).tolist() == [low, high, 3.5, -3.5]


def test_words_of_many_chips_are_those_of_each() -> None:
    generator = torch.Generator().manual_seed(0)
    steps = torch.rand(5, 2, 8, generator=generator)
    tile_of = torch.tensor([[0] * 4 + [1] * 4, [2] * 8])
    spec = FixedPointSpec()
    together = torch.vmap(lambda one: words_of(one, torch.zeros(8), tile_of, spec).factor)(steps)
    for chip, one in zip(together, steps, strict=True):
        assert torch.equal(chip, words_of(one, torch.zeros(8), tile_of, spec).factor)
    assert math.isfinite(float(together.sum()))
