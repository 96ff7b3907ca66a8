from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from analognas.strategies.guide import fit_guide
from analognas.strategies.random import RandomSearch
from analognas.strategies.refit import RefitPolicy
from analognas.strategies.specs import SurrogateGuidedSpec
from surrogates import XGBoostSurrogate


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


def test_a_kept_surrogate_predicts_the_same_as_history_grows(problem, bench) -> None:
    past = bench.run(RandomSearch(), problem, budget=20).population
    unseen = problem.space.encode(problem.space.sample(30, np.random.default_rng(9)))

    def predicted(n: int) -> list[float]:
        guide = fit_guide(
            XGBoostSurrogate(members=2, trees=10),
            problem,
            bench.history(past[:n]),
            "ranks",
            np.random.default_rng(n),
            RefitPolicy(every=8),
            first=8,
        )
        return guide.fitted.predict(unseen).mean["accuracy_1d"].tolist()

    assert predicted(11) == predicted(14)
    assert predicted(14) != predicted(17)
    assert predicted(17) == predicted(20)


def test_a_threshold_needs_trials_to_order() -> None:
    with pytest.raises(ValidationError, match=r"`refit_every >= 2` must hold .* got 1"):
        SurrogateGuidedSpec(refit_below=0.9)
