"""A strategy that falls behind its own first design explores around the best trials instead."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from pydantic import TypeAdapter

from analognas.strategies import Objective, Proposal, SearchProblem
from analognas.strategies.recovery import LEADERS, PATIENCE, RECOVERY, SelfWatching, fallen_behind
from analognas.strategies.specs import STRATEGIES, StrategySection
from search_spaces import genotypes


@dataclass(frozen=True)
class Misled:
    """Proposes what measures least."""

    def ask(self, problem, history, n, rng):
        pool = problem.space.sample(400, rng)
        new = [
            row
            for row in pool[np.argsort(pool.sum(axis=1), kind="stable")]
            if tuple(row) not in history.seen()
        ]
        new = [row for row in new if problem.admissible(row[None])[0]]
        return [Proposal(genotype, "misled") for genotype in genotypes(np.unique(new, axis=0))[:n]]


@pytest.fixture
def design(problem):
    population = problem.space.sample(200, np.random.default_rng(0))
    return np.unique(population[problem.admissible(population)], axis=0)[::-3][:8]


def with_low_trials(bench, design, n):
    """The history of a design and `n` trials that are worse than all of it."""
    low = np.array([[0, 9, k, 0, 0] for k in range(n)], dtype=np.int64).reshape(n, 5)
    worst = bench.measure(design)["accuracy_1d"].min()
    assert all(accuracy < worst for accuracy in bench.measure(low)["accuracy_1d"])
    return bench.history(np.concatenate([design, low]))


def test_three_low_trials_in_a_row_are_too_many(problem, bench, design) -> None:
    for n in range(PATIENCE):
        assert not fallen_behind(problem, with_low_trials(bench, design, n), 8)
    assert fallen_behind(problem, with_low_trials(bench, design, PATIENCE), 8)


def test_failed_trials_are_low_ones(problem, bench, design) -> None:
    past = with_low_trials(bench, design, PATIENCE)
    metrics = past.metrics.copy()
    metrics.iloc[-PATIENCE:] = np.nan
    assert fallen_behind(problem, replace(past, metrics=metrics), 8)
    metrics.iloc[:] = np.nan
    assert not fallen_behind(problem, replace(past, metrics=metrics), 8), "nothing to explore around"


def test_where_most_of_a_design_has_learned_nothing_its_best_trial_is_the_measure(
    problem, bench, design
) -> None:
    past = with_low_trials(bench, design, PATIENCE)
    metrics = past.metrics.assign(accuracy_1d=[0.8, *[0.1] * (len(past) - 1)])
    assert fallen_behind(problem, replace(past, metrics=metrics), 8)
    metrics.iloc[-1, 0] = 0.41
    assert not fallen_behind(problem, replace(past, metrics=metrics), 8)
    lowered = replace(problem, objective=Objective("accuracy_1d", -1))
    assert not fallen_behind(lowered, replace(past, metrics=metrics * 10), 8)


def test_it_explores_around_the_best_trials_and_goes_back(problem, bench, design) -> None:
    watching = SelfWatching(Misled(), design=8)
    past = bench.history(design)
    origins = []
    while len(past) < 40:
        proposals = watching.ask(problem, past, 3, np.random.default_rng(len(past)))
        origins += [proposal.origin for proposal in proposals]
        past = bench.history(np.concatenate([past.population, bench.as_population(proposals)]))
    assert origins[:3] == ["misled"] * 3
    assert origins[3:6] == [RECOVERY] * 3
    assert "misled" in origins[6:]
    recovered = [row for row, origin in zip(past.population[8:], origins, strict=True) if origin == RECOVERY]
    misled = [row for row, origin in zip(past.population[8:], origins, strict=True) if origin == "misled"]
    gained = bench.measure(np.array(recovered))["accuracy_1d"].mean()
    assert gained > bench.measure(np.array(misled))["accuracy_1d"].mean() + 0.1


def test_mutants_of_the_best_are_proposed(problem, bench, design) -> None:
    past = with_low_trials(bench, design, PATIENCE)
    best = past.population[np.argsort(-past.metrics["accuracy_1d"].to_numpy(), kind="stable")[:LEADERS]]
    for proposal in SelfWatching(Misled(), design=8).ask(problem, past, 6, np.random.default_rng(0)):
        assert proposal.origin == RECOVERY
        assert min((np.array(proposal.genotype) != row).sum() for row in best) <= 4


@pytest.mark.parametrize("bounds", [{}, {"avm": 0.05}])
@pytest.mark.parametrize("kind", sorted(STRATEGIES))
def test_what_learns_from_trials_is_watched(ladder, bench, design, kind, bounds) -> None:
    problem = SearchProblem(ladder, Objective("accuracy_1d", 1), bounds)
    spec = TypeAdapter(StrategySection).validate_python({"kind": kind})
    past = with_low_trials(bench, design, PATIENCE)
    if spec.learns_after:
        sizes = (
            {"population": 8, "tournament": 2} if kind == "regularized-evolution" else {spec.learns_after: 8}
        )
        spec = TypeAdapter(StrategySection).validate_python({"kind": kind, **sizes})
    origins = {proposal.origin for proposal in spec.build(0).ask(problem, past, 3, np.random.default_rng(0))}
    learns = kind not in {"random", "latin-hypercube", "optuna-qmc"}
    assert (origins == {RECOVERY}) == (learns and (bool(bounds) or spec.surrogate_spec is not None))


def test_several_objectives_are_not_watched(problem, bench, design) -> None:
    past = with_low_trials(bench, design, PATIENCE)
    several = replace(problem, further=(Objective("parameters", -1),))
    proposals = SelfWatching(Misled(), design=8).ask(several, past, 3, np.random.default_rng(0))
    assert {proposal.origin for proposal in proposals} == {"misled"}
