from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analognas.strategies import History, Objective, SearchProblem
from analognas.strategies.algorithm_1 import algorithm_1, offspring
from analognas.strategies.analog_nas import AnalogNAS
from analognas.strategies.appraisal import trial_appraisal
from analognas.strategies.latin_hypercube import admissible_design
from analognas.strategies.recovery import SelfWatching
from analognas.strategies.specs import AnalogNASSpec
from search_spaces import genotypes
from search_spaces.resnet import ResNetSpace


@pytest.fixture
def oracle(problem, bench):
    """Appraises candidates by what they really measure."""

    def appraise(population):
        return trial_appraisal(problem, bench.measure(population))

    return appraise


def test_finds_the_optimum_of_a_perfect_surrogate(problem, oracle) -> None:
    evolved = algorithm_1(problem, oracle, population=100, iterations=60, rng=np.random.default_rng(0))
    assert tuple(evolved.population[0].tolist()) == (7, 3, 5, 1, 6)


def test_the_last_population_is_ranked_different_canonical_and_admissible(problem, oracle) -> None:
    evolved = algorithm_1(problem, oracle, population=40, iterations=10, rng=np.random.default_rng(0))
    assert 20 <= len(evolved.population) <= 40
    assert len(set(genotypes(evolved.population))) == len(evolved.population)
    assert problem.admissible(evolved.population).all()
    assert (np.diff(evolved.appraisal.worth) <= 0).all()
    np.testing.assert_array_equal(evolved.appraisal.worth, oracle(evolved.population).worth)


def test_the_best_survive(problem, oracle) -> None:
    scores = [
        algorithm_1(
            problem, oracle, population=30, iterations=k, rng=np.random.default_rng(4)
        ).appraisal.worth[0]
        for k in (0, 2, 4, 8, 16)
    ]
    assert scores == sorted(scores)
    assert scores[-1] > scores[0]


def test_violators_of_a_soft_bound_are_replaced_in_the_first_population(ladder, bench) -> None:
    bounded = SearchProblem(ladder, Objective("accuracy_1d", 1), {"avm": 0.025})

    def appraise(population):
        return trial_appraisal(bounded, bench.measure(population))

    first = algorithm_1(bounded, appraise, population=40, iterations=0, rng=np.random.default_rng(0))
    assert first.appraisal.feasible.mean() > 0.75  # 0.3 of the space keeps the bound


def test_candidates_handed_over_take_part(problem, oracle) -> None:
    best = np.array([[7, 3, 5, 1, 6]])
    evolved = algorithm_1(
        problem, oracle, population=10, iterations=0, rng=np.random.default_rng(0), initial=best
    )
    assert (evolved.population[0] == best[0]).all()


def test_nothing_admissible_gives_an_empty_population(ladder, oracle) -> None:
    nothing = SearchProblem(ladder, Objective("accuracy_1d", 1), {"parameters": 50})
    evolved = algorithm_1(nothing, oracle, population=10, iterations=3, rng=np.random.default_rng(0))
    assert evolved.population.shape == (0, 5)


def test_offspring_are_new_and_under_the_limit(ladder) -> None:
    tight = SearchProblem(ladder, Objective("accuracy_1d", 1), {"parameters": 900})
    rng = np.random.default_rng(0)
    sample = ladder.sample(4000, rng)
    parents = sample[tight.admissible(sample)][:60]
    children = offspring(tight, parents, rng)
    assert 10 < len(children) <= 60
    assert tight.admissible(children).all()
    assert not set(genotypes(children)) & set(genotypes(parents))


@pytest.mark.slow
def test_the_published_size_is_reproducible() -> None:
    space = ResNetSpace(input_shape=(3, 32, 32), n_classes=10)
    published = SearchProblem(space, Objective("accuracy_1d", 1), {"parameters": 500_000, "avm": 0.05})
    design = admissible_design(published, 50, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    size = np.log(space.parameters(design))
    metrics = pd.DataFrame(
        {
            "accuracy_1d": size / 20 + rng.normal(0, 0.01, 50),
            "std_1d": 0.01 * rng.random(50),
            "avm": 0.1 * rng.random(50),
        }
    )
    past = History(population=design, metrics=metrics, pending=design[:0])
    strategy = AnalogNASSpec(initial=50).build(0)
    assert isinstance(strategy, SelfWatching)
    published_strategy = strategy.strategy
    assert isinstance(published_strategy, AnalogNAS)
    assert (published_strategy.population, published_strategy.iterations) == (200, 200)
    proposals = strategy.ask(published, past, 4, np.random.default_rng(0))
    assert {proposal.origin for proposal in proposals} == {"algorithm-1"}
    assert strategy.ask(published, past, 4, np.random.default_rng(0)) == proposals
