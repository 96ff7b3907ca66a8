"""Candidates to learn from: of one size first, then a stratified design with evolved ones among it."""

from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError

from analognas.strategies import History, Objective, SearchProblem
from analognas.strategies.collection import CollectionSpec
from analognas.testing import check_strategy
from search_spaces.staged import StagedRanges, StagedSpace

SMALL = {"equal_size": 6, "stratified": 10, "evolved": 0.4}


@pytest.fixture
def staged() -> SearchProblem:
    space = StagedSpace(StagedRanges((1, 8, 8), 10, stages=2))
    return SearchProblem(space, Objective("accuracy_1d", 1), {"parameters": 30_000})


def test_keeps_the_contract(problem, bench) -> None:
    check_strategy(lambda seed: CollectionSpec(**SMALL).build(seed), problem, bench.measure)


def test_the_first_are_of_equal_size_and_far_apart(staged, bench) -> None:
    strategy = CollectionSpec(equal_size=12, stratified=20).build(0)
    rows = staged.space.sample(1, np.random.default_rng(0))[:0]
    empty = History(population=rows, metrics=bench.measure(bench.empty), pending=rows)
    found = strategy.ask(staged, empty, 12, np.random.default_rng(0))
    assert [proposal.origin for proposal in found] == ["equal-size"] * 12
    sizes = staged.space.parameters(np.array([proposal.genotype for proposal in found]))
    assert sizes.max() <= 1.1 * sizes.min()
    written = CollectionSpec(equal_size=4, equal_parameters=5000).build(0)
    chosen = written.ask(staged, empty, 4, np.random.default_rng(0))
    near = staged.space.parameters(np.array([proposal.genotype for proposal in chosen]))
    assert (np.abs(near / 5000 - 1) < 0.05).all()


def test_the_rest_has_the_wanted_share_of_evolved_ones_from_every_batch(problem, bench) -> None:
    origins: Counter[str] = Counter()

    class Counting:
        def ask(self, problem, history, n, rng):
            found = CollectionSpec(**SMALL).build(3).ask(problem, history, n, rng)
            if len(history) >= 20:
                origins.update(proposal.origin for proposal in found)
            return found

    bench.run(Counting(), problem, budget=120, batch=4)
    assert sum(origins.values()) == 100
    assert abs(origins["mutation"] - 40) <= 1
    assert set(origins) == {"mutation", "filling-design"}


def test_evolved_ones_are_better_than_the_design(problem, bench) -> None:
    past = bench.run(CollectionSpec(**SMALL).build(1), problem, budget=100)
    found = CollectionSpec(equal_size=0, stratified=10, evolved=0.5).build(2)
    proposals = found.ask(problem, past, 20, np.random.default_rng(0))
    worth = {
        origin: bench.measure(np.array([p.genotype for p in proposals if p.origin == origin]))[
            "accuracy_1d"
        ].mean()
        for origin in ("mutation", "filling-design")
    }
    assert worth["mutation"] > worth["filling-design"] + 0.1


def test_not_all_may_be_evolved() -> None:
    with pytest.raises(ValidationError):
        CollectionSpec(evolved=1.0)
