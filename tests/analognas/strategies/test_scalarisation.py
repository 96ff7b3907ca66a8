from dataclasses import replace

import numpy as np

from analognas.strategies import Objective, SearchProblem
from analognas.strategies.random import RandomSearch
from analognas.strategies.scalarisation import SCALARISED, scalarise
from analognas.strategies.specs import SurrogateGuidedSpec
from search_spaces import genotypes


def with_parameters(problem: SearchProblem) -> SearchProblem:
    return replace(problem, further=(Objective("parameters", -1),))


class TestScalarisation:
    def test_every_point_of_a_front_is_the_best_for_some_weights(self, bench, problem) -> None:
        past = bench.run(RandomSearch(), problem, budget=60)
        two = with_parameters(problem)
        best = set()
        for seed in range(200):
            single, history = scalarise(two, past, np.random.default_rng(seed))
            assert single.further == ()
            best.add(int(np.argmax(history.metrics[SCALARISED])))
        values = two.values(past.population, past.metrics)
        dominated = [(values > value).all(axis=1).any() for value in values]
        assert not any(dominated[row] for row in best)
        assert len(best) >= 3

    def test_failed_trials_stay_failed(self, bench, problem) -> None:
        past = bench.history(bench.run(RandomSearch(), problem, budget=12).population, failed=(3, 4))
        _, history = scalarise(with_parameters(problem), past, np.random.default_rng(0))
        assert np.flatnonzero(history.metrics[SCALARISED].isna()).tolist() == [3, 4]


def test_several_objectives_spread_along_the_front(bench, problem) -> None:
    strategy = SurrogateGuidedSpec(initial=12, population=40, iterations=8).build(0)
    two = with_parameters(problem)
    found = bench.run(strategy, two, budget=40)
    drawn = bench.run(RandomSearch(), two, budget=40)
    assert len(set(genotypes(found.population))) == 40

    def front(history) -> int:
        values = two.values(history.population, history.metrics)
        everything = np.concatenate([two.values(past.population, past.metrics) for past in (found, drawn)])
        return sum(
            not ((everything >= value).all(axis=1) & (everything > value).any(axis=1)).any()
            for value in values
        )

    assert front(found) > front(drawn)
