from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from surrogates import AnalogNASSurrogate, kendall_tau
from surrogates.xgboost_ranker import pairwise_hinge


def hinge(scores: np.ndarray, values: np.ndarray, margin: float) -> float:
    """The loss itself, pair by pair."""
    return sum(
        max(0.0, margin - (scores[i] - scores[j]))
        for i in range(len(values))
        for j in range(len(values))
        if values[i] > values[j]
    )


def test_gradient_of_the_hinge_is_its_finite_difference() -> None:
    rng = np.random.default_rng(2)
    scores, values = rng.normal(0, 0.2, 12), rng.integers(0, 6, 12).astype(float)
    gradient, curvature = pairwise_hinge(scores, values, margin=0.1)
    step = 1e-7
    for k in range(12):
        up, down = scores.copy(), scores.copy()
        up[k] += step
        down[k] -= step
        expected = (hinge(up, values, 0.1) - hinge(down, values, 0.1)) / (2 * step)
        assert gradient[k] == pytest.approx(expected, abs=1e-4)
    untied = [(values != value).sum() for value in values]
    assert curvature.tolist() == untied


def test_pairs_in_order_by_the_margin_are_left_alone() -> None:
    gradient, _ = pairwise_hinge(np.array([0.0, 0.1001, 0.3]), np.array([1.0, 2.0, 3.0]), margin=0.1)
    assert gradient.tolist() == [0, 0, 0]


def test_only_the_order_of_the_ranked_target_matters(table) -> None:
    features, targets = table
    warped = targets.assign(accuracy_1d=np.exp(20 * targets["accuracy_1d"]))
    surrogate = AnalogNASSurrogate()
    plain = surrogate.fit(features, targets, np.random.default_rng(0)).predict(features).mean["accuracy_1d"]
    other = surrogate.fit(features, warped, np.random.default_rng(0)).predict(features).mean["accuracy_1d"]
    assert kendall_tau(plain, other) == pytest.approx(1.0)


def test_the_ranked_target_must_be_among_the_targets(table) -> None:
    features, targets = table
    with pytest.raises(ValueError, match="'accuracy_1d' must be among the targets, got std_1d, avm"):
        AnalogNASSurrogate().fit(features, targets[["std_1d", "avm"]], np.random.default_rng(0))


@pytest.mark.data
def test_orders_real_measurements_like_the_published_yardstick(analognas_bench) -> None:
    features, targets = analognas_bench
    taus = []
    for seed in range(5):
        rows = np.random.default_rng(seed).permutation(len(features))
        fitted = AnalogNASSurrogate().fit(
            features.iloc[rows[:100]], targets.iloc[rows[:100]], np.random.default_rng(seed)
        )
        predicted = fitted.predict(features.iloc[rows[100:]]).mean["accuracy_1d"]
        taus.append(kendall_tau(targets["accuracy_1d"].iloc[rows[100:]], predicted))
    assert np.mean(taus) > 0.52  # a plain XGBoost regressor on one-hot edges reaches 0.55 on all 6,110 rows


def test_features_are_taken_by_name(table) -> None:
    features, targets = table
    fitted = AnalogNASSurrogate().fit(features, targets, np.random.default_rng(0))
    more = pd.concat([pd.DataFrame({"z": np.zeros(60)}), features], axis=1)
    pd.testing.assert_frame_equal(fitted.predict(more).mean, fitted.predict(features).mean)
