"""The first design covers sizes evenly on a logarithmic scale, most of it near the bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import hwsim
from analognas.strategies import History, Objective, SearchProblem
from analognas.strategies.filling_design import FillingDesign
from analognas.strategies.latin_hypercube import LatinHypercube
from analognas.strategies.size_trend import SizeTrend
from analognas.strategies.surrogate_guided import SurrogateGuidedSpec
from search_spaces.resnet import ResNetSpace

SPACE = ResNetSpace((1, 32, 32), 10, oc0=(8, 24), ks0=(3, 5), m=(1, 3), r=(1, 3), b=(1, 2), wf=(1, 3))
BOUND = 78_000
TILES_OF_64 = hwsim.Hardware().replace({"tile.rows": 64, "tile.columns": 64})


def bounded(**bounds: float) -> SearchProblem:
    return SearchProblem(SPACE, Objective("accuracy_1d", 1), bounds)


@pytest.mark.parametrize("size", [6, 8, 16])
def test_half_of_the_design_has_half_of_the_bound_and_some_of_it_is_small(size) -> None:
    problem = bounded(parameters=BOUND, macs=12.2e6)
    shares = SPACE.parameters(FillingDesign(size, 0).design(problem)) / BOUND
    assert len(shares) == size
    assert shares.max() > 0.9
    assert np.median(shares) > 0.45
    assert shares.min() < 0.2
    hypercube = SPACE.parameters(LatinHypercube(size, 0).design(problem)) / BOUND
    assert np.median(hypercube) < 0.25


def test_every_candidate_is_admissible_different_and_the_same_again() -> None:
    problem = bounded(parameters=BOUND)
    design = FillingDesign(12, 3).design(problem)
    assert problem.admissible(design).all()
    assert len(np.unique(design, axis=0)) == 12
    np.testing.assert_array_equal(design, FillingDesign(12, 3).design(problem))


def test_a_bound_on_macs_alone_is_filled() -> None:
    problem = bounded(macs=5e6)
    shares = SPACE.macs(FillingDesign(8, 0).design(problem)) / 5e6
    assert np.median(shares) > 0.45


def test_a_bound_on_tiles_alone_is_filled() -> None:
    problem = replace(bounded(), upper_bounds={"tiles": 30}, hardware=TILES_OF_64)
    tiles = problem.costs["tiles"](FillingDesign(8, 0).design(problem))
    assert tiles.max() <= 30
    aimed_at = 30 * 16 ** -np.square((np.arange(8) + 0.5) / 8)
    np.testing.assert_allclose(np.sort(tiles)[::-1], aimed_at, atol=4)  # no network has fewer than four


def test_without_a_bound_it_is_a_latin_hypercube() -> None:
    problem, rng = bounded(avm=0.05), np.random.default_rng(0)
    nothing = SPACE.sample(0, rng)
    past = History(nothing, problem_metrics(), nothing)
    ours, theirs = (kind(8, 5).ask(problem, past, 8, rng) for kind in (FillingDesign, LatinHypercube))
    assert [proposal.genotype for proposal in ours] == [proposal.genotype for proposal in theirs]


def problem_metrics() -> pd.DataFrame:
    return pd.DataFrame({"accuracy_1d": np.empty(0)})


def test_what_a_guided_search_explores_is_a_further_design() -> None:
    problem = bounded(parameters=BOUND)
    tried = FillingDesign(8, 0).design(problem)
    metrics = pd.DataFrame({"accuracy_1d": np.log(SPACE.parameters(tried))})
    strategy = SurrogateGuidedSpec(exploration=1, iterations=2).build(0)
    proposals = strategy.ask(problem, History(tried, metrics, tried[:0]), 8, np.random.default_rng(0))
    assert {proposal.origin for proposal in proposals} == {"exploration"}
    assert all(proposal.predicted for proposal in proposals)
    second = FillingDesign(8, 0).design(problem, 1)
    assert [proposal.genotype for proposal in proposals] == [tuple(row) for row in second.tolist()]
    assert np.median(SPACE.parameters(second)) / BOUND > 0.45


def test_a_space_with_few_candidates_gives_them_all() -> None:
    space = ResNetSpace(
        (1, 8, 8), 10, oc0=(8, 9), ks0=(3, 3), m=(1, 1), r=(1, 1), b=(1, 1), ct="A", wf=(1, 1)
    )
    problem = SearchProblem(space, Objective("accuracy_1d", 1), {"parameters": 1e6})
    assert len(FillingDesign(50, 0).design(problem)) == space.size()


class TestSizeTrend:
    def test_a_trend_is_found_and_goes_on_beyond_the_trials(self) -> None:
        parameters = np.geomspace(1_000, 16_000, 40).round().astype(np.int64)
        trend = SizeTrend.fit(parameters, 0.1 * np.log(parameters))
        assert trend.slope == pytest.approx(0.1 * 40 / 42)
        assert trend(np.array([64_000]))[0] > trend(parameters).max() + 0.1

    def test_trials_of_one_size_show_none(self) -> None:
        assert SizeTrend.fit(np.full(5, 1000), np.arange(5.0)).slope == 0.0

    def test_smaller_is_never_taken_to_be_better(self) -> None:
        assert SizeTrend.fit(np.array([100, 1_000, 10_000]), np.array([3.0, 2.0, 1.0])).slope == 0.0
