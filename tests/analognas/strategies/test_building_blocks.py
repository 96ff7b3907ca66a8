from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import norm

from analognas.strategies import Objective, SearchProblem, explain_rejections
from analognas.strategies.appraisal import Appraisal
from analognas.strategies.diversity import diverse_batch
from analognas.strategies.latin_hypercube import LatinHypercube, admissible_design
from analognas.strategies.normal_scores import NormalScores
from analognas.strategies.novelty import MAX_DRAWS, draw_new, new_candidates
from analognas.strategies.optuna_search import gene_distributions
from analognas.strategies.specs import STRATEGIES
from search_spaces import genotypes


class TestNormalScores:
    def test_are_normal_quantiles_of_the_ranks(self) -> None:
        scores = NormalScores.fit(np.array([10.0, 30.0, 20.0, 40.0]))
        expected = norm.ppf([0.125, 0.375, 0.625, 0.875])
        np.testing.assert_allclose(scores.forward(np.array([10.0, 20.0, 30.0, 40.0])), expected)

    def test_equal_values_share_a_rank(self) -> None:
        scores = NormalScores.fit(np.array([1.0, 2.0, 2.0, 3.0]))
        assert scores.forward(np.array([2.0]))[0] == pytest.approx(0.0)

    @pytest.mark.parametrize("n", [1, 2, 3, 50])
    def test_inverse_undoes_forward_inside_and_outside_the_measured_range(self, n: int) -> None:
        measured = np.random.default_rng(n).normal(0.8, 0.05, n)
        scores = NormalScores.fit(measured)
        values = np.linspace(0.4, 1.2, 41)
        np.testing.assert_allclose(scores.inverse(scores.forward(values)), values, atol=1e-9)
        assert (np.diff(scores.forward(values)) > 0).all()

    def test_one_value_measured_many_times(self) -> None:
        scores = NormalScores.fit(np.full(5, 0.7))
        assert scores.forward(np.array([0.7, 0.8])).tolist() == pytest.approx([0.0, 0.1])


class TestAppraisal:
    def test_the_worth_decides(self) -> None:
        appraisal = Appraisal(worth=np.array([0.5, 0.7, 0.9]), feasible=np.array([True, True, False]))
        assert appraisal.best_first().tolist() == [2, 1, 0]


class TestDiverseBatch:
    def test_the_best_comes_first_then_the_farthest(self) -> None:
        points = np.array([[0.5, 0.5], [0.5, 0.6], [0.0, 0.0], [1.0, 1.0], [0.6, 0.5]])
        assert diverse_batch(points, 2, np.empty((0, 2))).tolist()[0] == 0
        assert set(diverse_batch(points, 3, np.empty((0, 2))).tolist()) == {0, 2, 3}

    def test_stays_away_from_what_is_being_evaluated(self) -> None:
        points = np.array([[0.0], [0.1], [0.2], [1.0]])
        assert diverse_batch(points, 1, np.array([[0.0]])).tolist() == [3]

    def test_only_the_leading_group_is_considered(self) -> None:
        points = np.concatenate([np.linspace(0, 1, 8), [100.0]])[:, None]
        assert 8 not in diverse_batch(points, 2, np.empty((0, 1))).tolist()

    def test_fewer_candidates_than_places(self) -> None:
        assert diverse_batch(np.zeros((2, 3)), 5, np.empty((0, 3))).tolist() == [0, 1]


class TestLatinHypercube:
    def test_a_design_without_constraints_stratifies_every_gene(self, ladder) -> None:
        free = SearchProblem(ladder, Objective("accuracy_1d", 1), {})
        design = admissible_design(free, 50, np.random.default_rng(0))
        counts = np.bincount(design[:, 2], minlength=10)  # gene 2 is always active
        assert len(design) == 50
        assert counts.max() - counts.min() <= 4

    def test_a_constraint_still_leaves_the_asked_size(self, ladder) -> None:
        tight = SearchProblem(ladder, Objective("accuracy_1d", 1), {"parameters": 700})
        design = admissible_design(tight, 40, np.random.default_rng(0))
        assert len(set(genotypes(design))) == 40
        assert tight.admissible(design).all()

    def test_designs_follow_each_other(self, problem, bench) -> None:
        strategy = LatinHypercube(size=10, seed=0)
        found = bench.run(strategy, problem, budget=20, batch=4).population
        both = np.concatenate([strategy.design(problem, 0), strategy.design(problem, 1)])
        assert genotypes(found) == genotypes(both)


class TestNovelty:
    def test_keeps_the_order_and_the_first_of_equal_candidates(self, problem) -> None:
        population = np.array(
            [[5, 1, 0, 0, 7], [1, 1, 0, 0, 0], [5, 1, 0, 0, 2], [0, 0, 1, 1, 1], [9] * 3 + [1, 9]]
        )
        kept = new_candidates(problem, population, {(1, 1, 0, 0, 0)})
        assert kept.tolist() == [[5, 1, 0, 0, 0]]

    def test_sampling_is_bounded(self, ladder) -> None:
        nothing = SearchProblem(ladder, Objective("accuracy_1d", 1), {"parameters": 10})
        drawn = []

        def draw(size, rng):
            drawn.append(size)
            return ladder.sample(size, rng)

        assert draw_new(nothing, draw, 3, (), np.random.default_rng(0)).shape == (0, 5)
        assert sum(drawn) <= MAX_DRAWS + max(drawn)


class TestRejections:
    def test_the_strictest_constraint_comes_first(self, ladder) -> None:
        tight = SearchProblem(ladder, Objective("accuracy_1d", 1), {"parameters": 50, "macs": 20_000})
        text = explain_rejections(tight, np.random.default_rng(0))
        assert text.startswith("of 10,000 sampled candidates 0 are admissible: `parameters <= 50` rejects ")
        assert "`macs <= 20,000` rejects" in text
        assert "cannot be built, most often because a = b = 0 has no path" in text

    def test_the_smallest_found_may_lie_outside_the_sample(self, ladder) -> None:
        tight = SearchProblem(ladder, Objective("accuracy_1d", 1), {"parameters": 50})
        near = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]])  # the second one cannot be built
        assert "(the smallest found has 100)" in explain_rejections(tight, np.random.default_rng(0), near)

    def test_without_constraints_nothing_but_buildability_rejects(self, bench) -> None:
        free = SearchProblem(bench.space(high=[9, 9, 9, 1, 9]), Objective("accuracy_1d", 1), {})
        text = explain_rejections(free, np.random.default_rng(0))
        admissible = int(text.split()[4].replace(",", ""))
        assert admissible == pytest.approx(9900, abs=60)
        assert "rejects" not in text


def test_optuna_sees_switches_as_choices_and_widths_as_integers() -> None:
    population = np.array([[value, value % 2, 3] for value in range(20)])
    distributions = gene_distributions(population)
    assert distributions["gene0"].low == 0
    assert distributions["gene0"].high == 19
    assert distributions["gene1"].choices == (0, 1)
    assert "gene2" not in distributions  # it has one value


def test_the_surrogate_of_a_strategy() -> None:
    assert STRATEGIES["random"]().surrogate_spec is None
    assert STRATEGIES["analognas"]().surrogate_spec.kind == "analognas"


def test_reading_specifications_loads_nothing_heavy() -> None:
    code = (
        "import sys, analognas.strategies.specs\n"
        "print([m for m in ('torch', 'xgboost', 'sklearn', 'pandas', 'scipy', 'optuna') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
