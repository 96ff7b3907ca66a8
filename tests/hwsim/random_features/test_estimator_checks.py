"""Scikit-learn's own checks of estimators, on ideal and on noisy hardware."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from hwsim.random_features import AnalogRandomFeatures, FeatureRidgeClassifier

ESTIMATORS = [
    AnalogRandomFeatures(n_components=8),
    AnalogRandomFeatures("arccos0", "orf", n_components=8, hardware="pcm-hermes-2", time_s="1 day"),
    AnalogRandomFeatures("softmax", "sorf", n_components=8, hardware="pcm-analognas"),
    FeatureRidgeClassifier(),
]


@pytest.mark.filterwarnings(
    "ignore:.*too long for softmax:RuntimeWarning"
)  # scikit-learn's rows reach lengths of 141
@parametrize_with_checks(ESTIMATORS)
def test_what_scikit_learn_asks_of_an_estimator(estimator, check) -> None:
    check(estimator)
