"""What the genes of a space may be, learnt from what it draws."""

import numpy as np
import pytest

from analognas.strategies.gene_values import DRAWN, GeneValues, outside
from search_spaces import ResNetSpace
from search_spaces.nasbench201 import NasBench201Space

NONE = np.zeros((0, 8), dtype=np.int64)
RNG = np.random.default_rng(3)


def test_few_values_that_come_often_are_listed() -> None:
    values = GeneValues.of(RNG.choice([8, 16, 32], 2 * DRAWN))
    assert values == GeneValues((8, 16, 32), 8, 32)
    assert values.rule(16) == ""
    for wrong in (20, 7, 64):
        assert values.rule(wrong) == "must be one of 8, 16, 32"


@pytest.mark.parametrize("highest", [1, 40, 63, 121, 500, 100_000])
def test_the_ends_of_a_range_are_known_and_no_value_of_it_is_refused(highest: int) -> None:
    values = GeneValues.of(RNG.integers(0, highest + 1, 2 * DRAWN))
    margin = highest * 40 // (2 * DRAWN)
    assert values.rule(0) == values.rule(highest) == ""
    assert values.rule(-1 - margin).startswith("must ")
    assert values.rule(highest + 1 + margin).startswith(("must lie within ", "must be one of "))
    assert margin == 0 or highest > 200


def test_rare_values_leave_their_end_open() -> None:
    values = GeneValues.of(RNG.geometric(0.5, 2 * DRAWN))
    assert (values.lowest, values.highest) == (1, None)
    assert values.rule(1_000) == ""
    assert values.rule(0) == "must be at least 1"
    assert GeneValues.of(-RNG.geometric(0.5, 2 * DRAWN)).rule(3) == "must be at most -1"


def test_built_in_spaces_take_all_that_they_draw_and_nothing_else() -> None:
    for space in (ResNetSpace(input_shape=(1, 8, 8)), NasBench201Space()):
        drawn = np.concatenate([space.sample(500, RNG), space.latin_hypercube(500, RNG)])
        drawn = np.concatenate([drawn, space.mutate(drawn, RNG), space.crossover(drawn[::-1], drawn, RNG)])
        assert {outside(space, tuple(row), drawn[:0]) for row in drawn.tolist()} == {""}
    assert outside(space, (0, 1, 2, 3, 4, 5), drawn[:0]) == "gene 6 must lie within 0 to 4, got 5"


def test_values_that_the_search_has_met_pass() -> None:
    space = ResNetSpace(m=(1, 1), r=(1, 2))
    genotype = (16, 3, 1, 9, 1, 1, 2, 1)
    assert outside(space, genotype, NONE) == "gene 4 must lie within 1 to 2, got 9"
    assert outside(space, genotype, np.array([genotype])) == ""
