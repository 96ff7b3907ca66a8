from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from analognas.strategies.acquisition import (
    log_expected_improvement,
    make_acquisition,
    thompson,
    upper_confidence_bound,
)


def test_upper_confidence_bound() -> None:
    score = upper_confidence_bound(2.0)(np.array([0.5, 0.4]), np.array([0.1, 0.2]))
    np.testing.assert_allclose(score, [0.7, 0.8])


def test_log_expected_improvement_is_the_logarithm_of_the_closed_form() -> None:
    mean, std = np.linspace(-3, 3, 61), np.full(61, 0.7)
    z = (mean - 0.5) / std
    expected = std * (norm.pdf(z) + z * norm.cdf(z))
    np.testing.assert_allclose(log_expected_improvement(0.5)(mean, std), np.log(expected), rtol=1e-7)


def test_log_expected_improvement_orders_hopeless_candidates_too() -> None:
    mean = -np.logspace(0, 6, 200)
    score = log_expected_improvement(0.0)(mean, np.full(200, 0.1))
    assert np.isfinite(score).all()
    assert (np.diff(score) < 0).all()


def test_log_expected_improvement_agrees_with_sampling() -> None:
    draws = np.random.default_rng(0).normal(0.2, 0.5, 400_000)
    sampled = np.maximum(draws - 0.6, 0).mean()
    closed = np.exp(log_expected_improvement(0.6)(np.array([0.2]), np.array([0.5])))[0]
    assert closed == pytest.approx(sampled, rel=0.02)


def test_thompson_draws_from_the_prediction() -> None:
    draws = thompson(np.random.default_rng(1))(np.full(50_000, 3.0), np.full(50_000, 0.5))
    assert draws.mean() == pytest.approx(3.0, abs=0.01)
    assert draws.std() == pytest.approx(0.5, rel=0.02)


def test_a_portfolio_learns_and_exploits_in_turns() -> None:
    mean, std = np.array([1.0, 0.9]), np.array([0.0, 5.0])
    preferred = []
    for turn in range(4):
        rng = np.random.default_rng(0)
        score = make_acquisition("portfolio", beta=1.0, incumbent=1.0, turn=turn, rng=rng)
        preferred.append(int(score.score(mean, std).argmax()))
    assert preferred == [1, 0, 1, 0]


@pytest.mark.parametrize("name", ["mean", "ei", "portfolio"])
def test_without_a_feasible_trial_improvement_is_the_mean(name) -> None:
    rng = np.random.default_rng(0)
    acquisition = make_acquisition(name, beta=1.0, incumbent=-np.inf, turn=0, rng=rng)
    np.testing.assert_array_equal(acquisition.score(np.array([1.0, 2.0]), np.array([5.0, 0.0])), [1.0, 2.0])


@pytest.mark.parametrize("name", ["mean", "ucb", "ei"])
def test_a_certain_outcome_is_the_acquisition_of_that_outcome(name) -> None:
    rng = np.random.default_rng(0)
    acquisition = make_acquisition(name, beta=1.0, incumbent=0.8, turn=0, rng=rng)
    mean, harmed, std = np.array([0.9, 0.7]), np.array([0.3, 0.2]), np.array([0.1, 0.2])
    kept = acquisition.mixed(mean, std, harmed, np.ones(2))
    np.testing.assert_allclose(kept, acquisition.score(mean, std))
    np.testing.assert_allclose(
        acquisition.mixed(mean, std, harmed, np.zeros(2)), acquisition.score(harmed, std)
    )


def test_expected_improvement_of_two_outcomes_agrees_with_sampling() -> None:
    rng = np.random.default_rng(0)
    acquisition = make_acquisition("ei", beta=1.0, incumbent=0.6, turn=0, rng=rng)
    mixed = acquisition.mixed(np.array([0.7]), np.array([0.2]), np.array([0.5]), np.array([0.3]))
    kept = rng.random(400_000) < 0.3
    draws = rng.normal(np.where(kept, 0.7, 0.5), 0.2)
    assert np.exp(mixed[0]) == pytest.approx(np.maximum(draws - 0.6, 0).mean(), rel=0.02)
