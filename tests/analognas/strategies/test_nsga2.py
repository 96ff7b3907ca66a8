from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon

from analognas.strategies import Objective, SearchProblem
from analognas.strategies.nondominated import crowding_distances, nondominated_ranks
from analognas.strategies.nsga2 import NSGA2
from analognas.strategies.random import RandomSearch


def brute_force_ranks(values: np.ndarray) -> list[int]:
    def dominates(i: int, j: int) -> bool:
        return all(values[i] >= values[j]) and any(values[i] > values[j])

    ranks = [-1] * len(values)
    for front in range(len(values)):
        left = [i for i in range(len(values)) if ranks[i] < 0]
        best = [i for i in left if not any(dominates(j, i) for j in left)]
        for i in best:
            ranks[i] = front
    return ranks


@pytest.mark.parametrize("seed", range(5))
def test_ranks_agree_with_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 5, (40, 2 + seed % 2)).astype(float)
    assert nondominated_ranks(values).tolist() == brute_force_ranks(values)


def test_crowding_is_the_width_of_the_gap_around_a_candidate() -> None:
    values = np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0], [0.0, 0.0]])
    distances = crowding_distances(values, np.array([0, 0, 0, 0, 1]))
    assert np.isinf(distances[[0, 3, 4]]).all()
    assert distances[1] == pytest.approx(3 / 4 + 3 / 4)
    assert distances[2] == pytest.approx(3 / 4 + 3 / 4)


def hypervolume(points: np.ndarray, reference: tuple[float, float]) -> float:
    """The area between a set of points to maximise and a reference point below all of them."""
    area, height = 0.0, reference[1]
    for x, y in sorted(points.tolist(), reverse=True):
        if y > height:
            area += (x - reference[0]) * (y - height)
            height = y
    return area


def test_covers_more_of_the_front_than_random_search(ladder, bench) -> None:
    both = SearchProblem(
        ladder, Objective("accuracy_1d", 1), {"avm": 0.06}, further=(Objective("parameters", -1),)
    )

    def area(strategy, seed: int) -> float:
        found = bench.run(strategy, both, budget=200, batch=10, seed=seed)
        feasible = both.feasible(found.metrics)
        values = both.values(found.population, found.metrics)[feasible]
        return hypervolume(values, (0.0, -4000.0))

    gains = [area(NSGA2(population=10, crossover=0.9), s) - area(RandomSearch(), s) for s in range(12)]
    assert wilcoxon(gains, alternative="greater").pvalue < 0.01


def test_survivors_are_worth_most_and_best_first(ladder, bench) -> None:
    bounded = SearchProblem(ladder, Objective("accuracy_1d", 1), {"avm": 0.05})
    past = bench.run(RandomSearch(), bounded, budget=40)
    survivors = NSGA2(population=8, crossover=0.9).survivors(bounded, past)
    expected = np.sort(bounded.worth(past.metrics))[::-1][:8]
    np.testing.assert_allclose(bounded.worth(bench.measure(survivors)), expected)


def test_an_unknown_objective_is_named(ladder, bench) -> None:
    problem = SearchProblem(ladder, Objective("accuracy_1d", 1), {}, further=(Objective("energy_pj", -1),))
    past = bench.run(RandomSearch(), problem, budget=12)
    with pytest.raises(
        ValueError, match=r"'energy_pj' is not among accuracy_1d, std_1d, avm, parameters, macs"
    ):
        NSGA2(population=8, crossover=0.9).ask(problem, past, 2, np.random.default_rng(0))
