"""Yes/no features and numbers in the distances of a Gaussian process."""

from __future__ import annotations

import numpy as np
import pandas as pd

from surrogates import kendall_tau
from surrogates.feature_groups import BALANCES, FeatureGroups, squared_distances
from surrogates.gaussian_process import GaussianProcessSurrogate


def points(n: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.integers(2, size=(n, 6)), rng.normal(size=(n, 3))], axis=1).astype(np.float64)


def test_kinds_are_weighed_relative_to_their_medians() -> None:
    x = points()
    groups = FeatureGroups(x, x)
    assert groups.balances == BALANCES
    first, second = squared_distances(x[:, :6], x[:, :6]), squared_distances(x[:, 6:], x[:, 6:])
    medians = [np.median(own[own > 1e-9]) for own in (first, second)]
    expected = 0.3 * first / medians[0] + second / medians[1]
    np.testing.assert_allclose(groups.balanced(groups.to_trials(x), (0.3, 1.0)), expected)


def test_features_of_one_kind_have_one_balance() -> None:
    x = points()[:, 6:]
    groups = FeatureGroups(x, x)
    assert groups.balances == ((1.0,),)
    own = squared_distances(x, x)
    np.testing.assert_allclose(groups.balanced(groups.to_trials(x), (1.0,)), own / np.median(own[own > 1e-9]))


def test_a_number_among_many_yes_no_features_that_say_nothing_is_found() -> None:
    rng = np.random.default_rng(1)
    yes_no = pd.DataFrame(rng.integers(2, size=(400, 60)).astype(np.float32)).add_prefix("path_")
    number = rng.uniform(size=400).astype(np.float32)
    truth = np.sin(5 * number)
    features = yes_no.assign(log_parameters=number)
    few = np.arange(200)
    fitted = GaussianProcessSurrogate().fit(
        features.iloc[few], pd.DataFrame({"accuracy_1d": truth[few]}), np.random.default_rng(0)
    )
    predicted = fitted.predict(features.iloc[200:]).mean["accuracy_1d"].to_numpy()
    assert kendall_tau(truth[200:], predicted) > 0.6
