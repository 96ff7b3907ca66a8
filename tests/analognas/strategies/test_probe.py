"""What a sample of a space holds."""

import numpy as np
import pytest

from analognas.spaces import complete
from analognas.strategies import Objective, SearchProblem
from analognas.strategies.novelty import draw_new
from analognas.strategies.probe import ENOUGH, bred, probe, quantiles
from search_spaces import ResNetSpace

SPACE = complete(ResNetSpace(input_shape=(1, 8, 8)), (1, 8, 8))


def problem(**bounds: float) -> SearchProblem:
    return SearchProblem(SPACE, Objective("accuracy_1d", 1), bounds)


def test_the_admissible_of_a_sample_are_found_and_their_share() -> None:
    free, half = probe(problem(), np.random.default_rng(0)), problem(parameters=2e8)
    assert free.share == 1
    assert len(free.admissible) == len(free.drawn)
    found = probe(half, np.random.default_rng(0))
    assert found.share == pytest.approx(0.5, abs=0.1)
    assert half.admissible(found.admissible).all()
    assert len(found.admissible) == round(found.share * len(found.drawn))


def test_smaller_ones_near_by_are_found_where_the_sample_has_none() -> None:
    tight = problem(parameters=1500)
    found = probe(tight, np.random.default_rng(0))
    assert found.share == 0
    assert len(found.admissible)
    assert tight.admissible(found.admissible).all()
    assert not len(probe(problem(parameters=10), np.random.default_rng(0)).admissible)


def test_quantiles_are_taken_over_enough_admissible_candidates() -> None:
    tight = problem(parameters=77_898, macs=763_520)
    few = probe(tight, np.random.default_rng(0)).admissible
    many = bred(tight, few, np.random.default_rng(0))
    assert len(few) < 20 < ENOUGH <= len(many)
    assert tight.admissible(many).all()
    low, median, high = quantiles(SPACE.parameters(many))
    assert low < median < high <= 77_898
    assert set(quantiles([3, 1, 2])) <= {1.0, 2.0, 3.0}


def test_random_draws_go_on_under_a_constraint_that_one_in_two_thousand_meets() -> None:
    tight = problem(parameters=77_898, macs=763_520)
    known = {tuple(probe(tight, np.random.default_rng(0)).admissible[0].tolist())}
    assert len(draw_new(tight, SPACE.sample, 6, known, np.random.default_rng(1))) == 6
