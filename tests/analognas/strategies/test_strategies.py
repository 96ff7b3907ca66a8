"""What holds for every strategy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optuna
import pandas as pd
import pytest
from pydantic import TypeAdapter

from analognas.strategies import History, Objective, Proposal, SearchProblem, Strategy
from analognas.strategies.optuna_search import OptunaSearch, gene_distributions
from analognas.strategies.random import RandomSearch
from analognas.strategies.specs import STRATEGIES, StrategySection
from analognas.strategies.worth import EXPORTED
from analognas.testing import BrokenStrategyError, check_strategy
from search_spaces import genotypes
from search_spaces.resnet import ResNetSpace

SMALL = {
    "random": {},
    "latin-hypercube": {"size": 12},
    "analognas": {"initial": 8, "population": 40, "iterations": 8, "surrogate": {"trees": 40}},
    "surrogate-guided": {
        "initial": 8,
        "population": 40,
        "iterations": 8,
        "surrogate": {"kind": "committee", "trees": {"members": 3, "trees": 40}},
    },
    "regularized-evolution": {"population": 10, "tournament": 4},
    "local-search": {},
    "nsga2": {"population": 10},
    "optuna-tpe": {},
    "optuna-gp": {"initial": 28},
    "optuna-cma-es": {},
    "optuna-nsga2": {"initial": 6},
    "optuna-nsga3": {"initial": 6},
    "optuna-qmc": {},
}


def strategy_named(kind: str, seed: int = 0, **settings: object) -> Strategy:
    spec = TypeAdapter(StrategySection).validate_python({"kind": kind, **SMALL[kind], **settings})
    return spec.build(seed)


def test_every_strategy_is_tested_here() -> None:
    assert set(SMALL) == set(STRATEGIES)


@pytest.mark.parametrize("kind", SMALL)
class TestEveryStrategy:
    def test_keeps_the_contract(self, kind, problem, bench) -> None:
        check_strategy(lambda seed: strategy_named(kind, seed), problem, bench.measure)

    def test_another_seed_gives_other_proposals(self, kind, problem, bench) -> None:
        first = bench.run(strategy_named(kind, seed=1), problem, budget=12, seed=1).population
        second = bench.run(strategy_named(kind, seed=2), problem, budget=12, seed=2).population
        assert set(genotypes(first)) != set(genotypes(second))

    def test_failed_trials_do_not_stop_a_search(self, kind, problem, bench) -> None:
        past = bench.run(strategy_named(kind), problem, budget=16).population
        all_failed = bench.history(past, failed=tuple(range(16)))
        assert len(strategy_named(kind).ask(problem, all_failed, 4, np.random.default_rng(0))) == 4

    def test_an_exhausted_space_ends_the_search(self, kind, bench) -> None:
        space = bench.space(high=[2, 1, 0, 1, 1])  # 15 admissible networks of 18
        tiny = SearchProblem(space, Objective("accuracy_1d", 1), {})
        found = bench.run(strategy_named(kind), tiny, budget=100).population
        assert len(set(genotypes(found))) == len(found) == 15

    def test_minimising_the_negative_is_maximising(self, kind, problem, bench) -> None:
        minimise = SearchProblem(problem.space, Objective("loss", -1), problem.upper_bounds)
        past = bench.run(strategy_named(kind), problem, budget=12)
        past.metrics["loss"] = -past.metrics["accuracy_1d"]
        up = strategy_named(kind).ask(problem, past, 4, np.random.default_rng(5))
        down = strategy_named(kind).ask(minimise, past, 4, np.random.default_rng(5))
        if not any(p.predicted for p in up):
            assert [p.genotype for p in up] == [p.genotype for p in down]
        else:
            predicted_up = np.mean([p.predicted["accuracy_1d"] for p in up])
            predicted_down = np.mean([-p.predicted["loss"] for p in down])
            assert predicted_down == pytest.approx(predicted_up, abs=0.1)


@pytest.mark.parametrize("kind", ["analognas", "surrogate-guided"])
class TestSurrogateStrategies:
    def test_start_with_one_latin_hypercube_whatever_the_batch(self, kind, problem, bench) -> None:
        by_one = bench.run(strategy_named(kind), problem, budget=8, batch=1).population
        at_once = bench.run(strategy_named(kind), problem, budget=8, batch=8).population
        assert (by_one == at_once).all()

    def test_proposals_carry_predictions(self, kind, problem, bench) -> None:
        past = bench.run(strategy_named(kind), problem, budget=12)
        for proposal in strategy_named(kind).ask(problem, past, 4, np.random.default_rng(0)):
            assert set(proposal.predicted) == {"accuracy_1d", "std_1d", "avm"}

    def test_finds_more_than_random_search(self, kind, problem, bench) -> None:
        def best(name: str, seed: int) -> float:
            return bench.run(strategy_named(name, seed), problem, 32, seed=seed).metrics["accuracy_1d"].max()

        better = [best(kind, seed) - best("random", seed) for seed in range(8)]
        assert np.mean(better) > 0.02
        assert sum(difference > 0 for difference in better) >= 7  # p = 0.035 by chance

    def test_soft_constraint_steers_the_search(self, kind, ladder, bench) -> None:
        bounded = SearchProblem(
            ladder, Objective("accuracy_1d", 1), {"avm": 0.035}, fidelity=EXPORTED
        )  # figures of a table
        shares = []
        for seed in range(4):
            found = bench.run(strategy_named(kind, seed), bounded, 40, seed=seed)
            meets = bounded.feasible(found.metrics)
            shares.append(meets[12:].mean())
            assert found.metrics["accuracy_1d"][meets].max() > 0.85  # the best under the bound has 0.893
        assert np.mean(shares) > (0.55 if kind == "surrogate-guided" else 0.45)  # 0.4 of the space meets it

    def test_a_bounded_metric_that_is_not_measured_is_an_error(self, kind, ladder, bench) -> None:
        past = bench.run(strategy_named(kind), SearchProblem(ladder, Objective("accuracy_1d", 1), {}), 12)
        past = replace(past, metrics=past.metrics.drop(columns="avm"))
        bounded = SearchProblem(ladder, Objective("accuracy_1d", 1), {"avm": 0.02})
        with pytest.raises(ValueError, match=r"'avm' .* must be measured"):
            strategy_named(kind).ask(bounded, past, 4, np.random.default_rng(0))


def test_optuna_sees_what_trials_are_worth_and_no_constraints(ladder, bench) -> None:
    bounded = SearchProblem(ladder, Objective("accuracy_1d", 1), {"avm": 0.035})
    past = bench.history(ladder.sample(12, np.random.default_rng(0)))
    strategy = OptunaSearch(sampler="tpe", initial=10, seed=0)
    study = strategy._study(bounded, past, gene_distributions(past.population), 0)
    assert isinstance(study, optuna.Study)
    assert [trial.value for trial in study.trials] == pytest.approx(bounded.worth(past.metrics).tolist())
    assert not any(trial.constraints for trial in study.trials)


def test_optuna_copes_with_genes_that_do_not_fit_together() -> None:
    space = ResNetSpace(m=(1, 3), r=(1, 4), b=(1, 3))  # a block that is not there has genes of 0
    small = SearchProblem(space, Objective("accuracy_1d", 1), {"parameters": 300_000})

    past = space.sample(14, np.random.default_rng(0))
    metrics = pd.DataFrame({"accuracy_1d": np.log(space.parameters(past))})
    history = History(population=past, metrics=metrics, pending=past[:0])
    proposals = strategy_named("optuna-tpe").ask(small, history, 4, np.random.default_rng(0))
    rows = np.array([proposal.genotype for proposal in proposals])
    assert small.admissible(rows).all()
    assert len(rows) == 4


class Stuck:
    """Proposes the same four candidates at every call."""

    def ask(self, problem, history, n, rng):
        return [Proposal((1, 1, 1, 1, value), "stuck") for value in range(n)]


class Moody:
    """Draws from a generator of its own."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def ask(self, problem, history, n, rng):
        return RandomSearch().ask(problem, history, n, self.rng)


class Greedy:
    """Ignores the hard constraints."""

    def ask(self, problem, history, n, rng):
        rows = rng.integers(7, 10, size=(n, 3)).tolist()
        return [Proposal((*row, 1, value), "greedy") for value, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("broken", "rule"),
    [(Stuck, "proposed twice in a search"), (Moody, "proposes the same"), (Greedy, "is admissible")],
)
def test_the_suite_finds_a_broken_strategy(broken, rule, problem, bench) -> None:
    with pytest.raises(BrokenStrategyError, match=rule):
        check_strategy(
            lambda seed: broken(), replace(problem, upper_bounds={"parameters": 2000}), bench.measure
        )
