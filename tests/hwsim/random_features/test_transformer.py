"""Random features as a citizen of scikit-learn, and on chips."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hwsim
from hwsim.random_features import AnalogRandomFeatures, FeatureRidgeClassifier

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5))
Y = (np.linalg.norm(X, axis=1) > 2).astype(int)


def features(**values) -> AnalogRandomFeatures:
    return AnalogRandomFeatures(**{"sampler": "orf", "gamma": 0.2, "random_state": 0, **values})


def test_it_works_in_pipelines_and_grid_searches() -> None:
    model = make_pipeline(StandardScaler(), features(hardware="pcm-hermes-2"), FeatureRidgeClassifier())
    search = GridSearchCV(
        model, {"analograndomfeatures__gamma": [1e-4, 0.2], "analograndomfeatures__n_components": [40]}, cv=3
    ).fit(X, Y)
    assert search.best_params_["analograndomfeatures__gamma"] == 0.2
    assert search.score(X, Y) > 0.9
    twin = clone(search.best_estimator_)
    assert twin[1].get_params() == search.best_estimator_[1].get_params() and not hasattr(
        twin[1], "projection_"
    )


def test_features_have_names_and_frames() -> None:
    frame = pd.DataFrame(X, columns=list("abcde"))
    found = features(n_components=3).set_output(transform="pandas").fit_transform(frame)
    assert list(found.columns) == [f"analograndomfeatures{number}" for number in range(6)]
    step = features(kernel="arccos0", n_components=3).fit(frame)
    assert list(step.get_feature_names_out()) == [f"analograndomfeatures{number}" for number in range(3)]
    assert list(step.feature_names_in_) == list("abcde") == list(step.on("pcm-hermes-1").feature_names_in_)


@pytest.mark.parametrize("hardware", ["floating-point", "pcm-hermes-2"])
def test_a_pickle_holds_arrays_of_numpy_and_no_tensors(hardware: str) -> None:
    fitted = features(hardware=hardware, time_s="1 day").fit(X)
    data = pickle.dumps(fitted)
    assert b"torch" not in data
    assert np.array_equal(pickle.loads(data).transform(X), fitted.transform(X))
    assert pickle.loads(pickle.dumps(features())).fit(X).transform(X).shape == (300, 200)


def test_chips_times_and_places_make_a_difference_and_a_repeat_none() -> None:
    fitted = features(n_components=64).fit(X)
    digital = fitted.transform(X)
    found = {
        (seed, t): fitted.on("pcm-hermes-2", chip_seed=seed, time_s=t)
        for seed in (0, 1)
        for t in (1, "1 month")
    }
    values = {key: chip.transform(X) for key, chip in found.items()}
    for key, chip in found.items():
        assert np.array_equal(chip.projection_, fitted.projection_)
        assert chip.time_s_ == (1.0 if key[1] == 1 else 2_592_000.0)
        assert np.array_equal(values[key], chip.transform(X))
        assert 0.01 < np.linalg.norm(values[key] - digital) / np.linalg.norm(digital) < 0.5
    assert not np.allclose(values[0, 1], values[1, 1])
    early, late = (np.linalg.norm(values[0, t] - digital) for t in (1, "1 month"))
    assert early < late
    assert (
        np.abs(found[0, 1].programmed_).max() > 1.05 * np.abs(found[0, "1 month"].programmed_).max()
    )  # drift
    same = np.repeat(X[:1], 4, axis=0)
    assert len(np.unique(found[0, 1].transform(same)[:, 0])) > 1  # noise of each place


def test_more_rows_than_pass_at_once_and_tiles_than_one_are_exact_on_ideal_hardware() -> None:
    tiles = hwsim.preset("floating-point").replace({"tile.rows": 3, "tile.columns": 10})
    many = np.tile(X, (9, 1))
    one, cut = (
        features(n_components=33, hardware=on).fit(X).transform(many) for on in ("floating-point", tiles)
    )
    assert len(many) > 2048 and np.allclose(one, cut, atol=1e-5)
    dynamic = hwsim.preset("ideal-8bit").replace({"converters.input_scaling": "dynamic"})
    large = 1e4 * X
    step = features(kernel="arccos0", hardware=dynamic).fit(X)
    assert (step.transform(large) != step.transform(X)).mean() < 0.02  # scales do not matter


def test_an_input_range_clips() -> None:
    narrow = features(hardware="ideal-8bit", input_range=0.5).fit(X)
    assert np.array_equal(narrow.transform(np.full((1, 5), 0.5)), narrow.transform(np.full((1, 5), 5.0)))
    glitch = np.vstack([np.tile(X, (10, 1)), [[1e6] * 5]])
    assert features().fit(glitch).input_range_ < 10


def test_the_classifier_is_that_of_its_formula() -> None:
    z = features(n_components=10).fit_transform(X)
    F = np.hstack([np.ones((len(z), 1)), z])
    w = np.linalg.solve(F.T @ F + 0.5 * np.eye(F.shape[1]), F.T @ Y)
    fitted = FeatureRidgeClassifier().fit(z, Y)
    assert np.allclose(fitted.decision_function(z) + 0.5, F @ w)
    assert np.array_equal(fitted.predict(z), np.round(np.clip(F @ w, 0, 1)))
    assert np.allclose(Ridge(0.5, fit_intercept=False).fit(F, Y).predict(F), F @ w)
    three = np.digitize(X[:, 0], [-0.5, 0.5])
    labels = np.array(["low", "middle", "high"])[three]
    fitted = FeatureRidgeClassifier().fit(X, labels)
    assert fitted.decision_function(X).shape == (300, 3) and (fitted.predict(X) == labels).mean() > 0.6


def test_parameters_that_are_set_after_a_fit_wait_for_the_next_one() -> None:
    fitted = features(gamma=0.1).fit(X)
    before = fitted.transform(X)
    fitted.set_params(gamma=-1.0, kernel="arccos0", chip_seed=7)
    assert np.array_equal(fitted.transform(X), before)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).transform(X), before)
    assert len(fitted.get_feature_names_out()) == before.shape[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: features(gamma=-1.0).fit(X), "`gamma > 0` must hold, got -1.0"),
        (lambda: features(n_components=0).fit(X), "`n_components >= 1` must hold, got 0"),
        (lambda: features(kernel="rbg").fit(X), "`kernel` must be one of .*did you mean rbf"),
        (lambda: features(sampler="sorff").fit(X), "`sampler` must be one of .*did you mean sorf"),
        (lambda: features(hardware="pcm-hermes-9").fit(X), "`hardware` must be one of"),
        (lambda: features(hardware="reram-wan2022", time_s="1 month").fit(X), "172800"),
        (lambda: features(time_s=-1.0).fit(X), "must hold"),
        (lambda: features(input_range=0.0).fit(X), "`input_range > 0` must hold"),
        (lambda: features().fit(X).transform(X[:, :3]), "3 features"),
        (lambda: features().fit(X).transform(np.full((1, 5), 1e300)), "finite in float32"),
        (lambda: features().fit(np.full((2, 2), np.nan)), "NaN"),
        (lambda: features().fit(X * 1e-60), "the range of `X` must be from .*scale it first"),
        (lambda: features().fit(X * 1e39), "the range of `X` must be from"),
        (lambda: features(input_range=1e60).fit(X), "`input_range` must be from"),
        (lambda: features(gamma=1e300).fit_transform(X), "features must be finite .*`gamma` down"),
        (lambda: FeatureRidgeClassifier(alpha=0.0).fit(X, Y), "`alpha > 0` must hold"),
    ],
)
def test_what_cannot_be_is_told(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_fixed_point_unit_is_refused() -> None:
    unit = hwsim.preset("pcm-hermes-2").replace({"digital.kind": "fixed-point"})
    with pytest.raises(ValueError, match=r"`digital\.kind` must be floating-point"):
        features(hardware=unit).fit(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_whose_exponentials_vanish_are_warned_of(dtype: type) -> None:
    rows = np.random.default_rng(0).normal(size=(4, 9)).astype(dtype)
    features = AnalogRandomFeatures("softmax", hardware="floating-point", n_components=8).fit(rows)
    assert (features.transform(rows) > 0).all()
    rows[2] *= 100
    with pytest.warns(
        RuntimeWarning, match=r"1 of 4 rows of `X` are too long for softmax in float\d\d: .* row 2"
    ):
        assert not features.transform(rows)[2].any()
