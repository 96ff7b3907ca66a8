from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from surrogates import Prediction, held_out_tau


class Memory:
    """Predicts what it was shown, and -1 for a candidate it was not shown."""

    def fit(self, features, targets, rng):
        self.seen = dict(zip(features["id"], targets["value"], strict=True))
        return self

    def predict(self, features):
        mean = pd.DataFrame({"value": [self.seen.get(i, -1.0) for i in features["id"]]}, index=features.index)
        return Prediction(mean=mean, std=mean * 0)

    def save(self, folder):
        raise NotImplementedError


@pytest.mark.parametrize("folds", [2, 7, 30, 99])
def test_every_candidate_is_predicted_once_by_a_model_without_it(folds: int) -> None:
    features = pd.DataFrame({"id": np.arange(30)}, index=np.arange(100, 130))
    targets = pd.DataFrame({"value": np.arange(30.0)}, index=features.index)
    result = held_out_tau(Memory(), features, targets, folds, np.random.default_rng(0))
    assert (result.predictions["value"] == -1.0).all()
    assert list(result.predictions.index) == list(features.index)
    assert result.folds == min(folds, 30)
    assert math.isnan(result.tau["value"])
    assert "every predicted value of value is the same" in result.undefined["value"]


def test_a_constant_target_is_said_to_be_constant() -> None:
    features = pd.DataFrame({"id": np.arange(6)})
    targets = pd.DataFrame({"value": np.full(6, 0.5)})
    result = held_out_tau(Memory(), features, targets, 3, np.random.default_rng(0))
    assert "every measured value" in result.undefined["value"]


def test_too_little_to_hold_out() -> None:
    features, targets = pd.DataFrame({"id": [0, 1]}), pd.DataFrame({"value": [0.0, 1.0]})
    with pytest.raises(ValueError, match="at least 3 evaluated candidates, got 2"):
        held_out_tau(Memory(), features, targets, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="`folds >= 2` must hold, got 1"):
        held_out_tau(Memory(), features, targets, 1, np.random.default_rng(0))
