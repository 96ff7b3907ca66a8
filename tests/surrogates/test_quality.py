"""Figures of predictions, against closed forms and other implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import ndcg_score, r2_score

from surrogates.quality import quality, tau_at_equal_size


@pytest.fixture
def values() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    measured = rng.normal(size=60)
    return measured, measured + rng.normal(size=60)


def test_figures_equal_those_of_other_libraries(values: tuple[np.ndarray, np.ndarray]) -> None:
    measured, predicted = values
    found = quality(measured, predicted)
    gain = (np.argsort(np.argsort(measured)) + 1) / 60
    assert found.tau == pytest.approx(kendalltau(measured, predicted).statistic)
    assert found.spearman == pytest.approx(spearmanr(measured, predicted).statistic)
    assert found.r2 == pytest.approx(r2_score(measured, predicted))
    assert found.ndcg_10 == pytest.approx(ndcg_score(gain[None], predicted[None], k=10))
    both = set(np.argsort(-measured)[:10]) & set(np.argsort(-predicted)[:10])
    assert found.recall_10 == len(both) / 10
    assert math.isnan(found.coverage_90) and math.isnan(found.tau_at_equal_size)


def test_intervals_of_the_right_width_cover_nine_in_ten() -> None:
    rng = np.random.default_rng(1)
    predicted = rng.normal(size=20_000)
    measured = predicted + 0.5 * rng.normal(size=20_000)
    assert quality(measured, predicted, std=np.full(20_000, 0.5)).coverage_90 == pytest.approx(0.9, abs=0.01)
    assert quality(measured, predicted, std=np.full(20_000, 0.25)).coverage_90 < 0.65


def test_equal_size_counts_pairs_within_a_tenth(values: tuple[np.ndarray, np.ndarray]) -> None:
    measured, predicted = values
    parameters = np.random.default_rng(2).integers(100, 140, size=60)
    agree = total = 0
    for first in range(60):
        for second in range(first):
            low, high = sorted((parameters[first], parameters[second]))
            if high <= 1.1 * low:
                total += 1
                agree += np.sign(
                    (measured[first] - measured[second]) * (predicted[first] - predicted[second])
                )
    assert tau_at_equal_size(measured, predicted, parameters) == pytest.approx(agree / total)
    assert math.isnan(tau_at_equal_size(measured[:9], predicted[:9], 10 ** np.arange(9)))


def test_constant_predictions_have_no_order() -> None:
    found = quality(np.arange(5.0), np.ones(5))
    assert math.isnan(found.tau) and math.isnan(found.spearman)
