from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from analognas.strategies.refit import RefitPolicy
from analognas.strategies.specs import AnalogNASSpec, SurrogateGuidedSpec, make_strategy


def never(n, group):
    raise AssertionError("no surrogate has to be fitted to decide this")


@pytest.mark.parametrize(("every", "expected"), [(1, 23), (4, 22), (10, 20), (50, 10)])
def test_without_a_threshold_the_number_of_trials_decides(every: int, expected: int) -> None:
    assert RefitPolicy(every=every).n_fitted(10, np.zeros(23), never) == expected


def test_a_surrogate_that_orders_well_is_kept() -> None:
    scores = np.random.default_rng(0).random(40)
    policy = RefitPolicy(every=5, below=0.9)
    assert policy.n_fitted(10, scores, lambda n, group: scores[group]) == 10
    assert policy.n_fitted(10, scores, lambda n, group: -scores[group]) == 40
    assert policy.n_fitted(10, scores, lambda n, group: np.zeros(len(group))) == 40


def test_the_surrogate_of_the_time_is_asked() -> None:
    scores = np.arange(30.0)
    asked = []

    def predict(n, group):
        asked.append((n, group[0]))
        return scores[group] if n >= 20 else -scores[group]

    assert RefitPolicy(every=5, below=0.5).n_fitted(10, scores, predict) == 20
    assert asked == [(10, 10), (15, 15), (20, 20), (20, 25)]


@pytest.mark.parametrize("spec", [AnalogNASSpec, SurrogateGuidedSpec])
def test_a_kept_surrogate_predicts_the_same_as_history_grows(spec, problem, bench) -> None:
    settings = {"initial": 8, "population": 20, "iterations": 3, "refit_every": 8}
    strategy = make_strategy(spec(**settings), 0)
    past = bench.run(strategy, problem, budget=14).population
    first, second = (
        strategy.ask(problem, bench.history(past[:n]), 4, np.random.default_rng(0)) for n in (12, 14)
    )
    common = {p.genotype: p.predicted for p in first}
    shared = [p for p in second if p.genotype in common]
    assert all(p.predicted == common[p.genotype] for p in shared)
    later = strategy.ask(
        problem,
        bench.history(np.concatenate([past, bench.space().sample(4, np.random.default_rng(1))])),
        4,
        np.random.default_rng(0),
    )
    assert len(later) == 4


def test_a_threshold_needs_trials_to_order() -> None:
    with pytest.raises(ValidationError, match=r"`refit_every >= 2` must hold .* got 1"):
        SurrogateGuidedSpec(refit_below=0.9)
