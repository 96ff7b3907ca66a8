"""What holds for every surrogate."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from surrogates import Surrogate, held_out_tau, kendall_tau, load_surrogate
from surrogates.specs import SURROGATES


@pytest.fixture(params=sorted(SURROGATES))
def surrogate(request: pytest.FixtureRequest) -> Surrogate:
    return SURROGATES[request.param]().build()


def fit_and_predict(surrogate: Surrogate, features: pd.DataFrame, targets: pd.DataFrame, seed: int = 0):
    return surrogate.fit(features, targets, np.random.default_rng(seed)).predict(features)


def test_orders_candidates_it_has_not_seen(surrogate, table) -> None:
    features, targets = table
    fitted = surrogate.fit(features[:45], targets[:45], np.random.default_rng(0))
    predicted = fitted.predict(features[45:]).mean
    for name in ("accuracy_1d", "std_1d"):
        assert kendall_tau(targets[name][45:], predicted[name]) > 0.5, name


def test_predictions_are_on_the_scale_of_the_targets(surrogate, table) -> None:
    features, targets = table
    prediction = fit_and_predict(surrogate, features, targets)
    assert list(prediction.mean.columns) == list(targets.columns)
    error = (prediction.mean - targets).abs().mean()
    assert error["accuracy_1d"] < 0.03
    assert error["std_1d"] < 0.0001
    assert error["avm"] < 1e-9


def test_equal_inputs_and_seed_give_equal_models(surrogate, table) -> None:
    first, second = fit_and_predict(surrogate, *table), fit_and_predict(surrogate, *table)
    pd.testing.assert_frame_equal(first.mean, second.mean, check_exact=True)


@pytest.mark.parametrize("kind", ["analognas", "xgboost-ensemble"])
def test_threads_do_not_change_predictions(kind, table) -> None:
    one, two = (SURROGATES[kind](n_jobs=jobs).build() for jobs in (1, 2))
    first, second = fit_and_predict(one, *table), fit_and_predict(two, *table)
    pd.testing.assert_frame_equal(first.mean, second.mean, check_exact=True)


def test_the_order_of_feature_columns_does_not_matter(surrogate, table) -> None:
    features, targets = table
    fitted = surrogate.fit(features, targets, np.random.default_rng(0))
    shuffled = features[list("fbdace")]
    pd.testing.assert_frame_equal(fitted.predict(shuffled).mean, fitted.predict(features).mean)


def test_a_saved_surrogate_predicts_the_same(surrogate, table, tmp_path: Path) -> None:
    features, targets = table
    fitted = surrogate.fit(features, targets, np.random.default_rng(0))
    fitted.save(tmp_path / "surrogate")
    loaded = load_surrogate(tmp_path / "surrogate").predict(features)
    expected = fitted.predict(features)
    pd.testing.assert_frame_equal(loaded.mean, expected.mean, check_exact=True)
    pd.testing.assert_frame_equal(loaded.std, expected.std, check_exact=True)
    suffixes = {path.suffix for path in (tmp_path / "surrogate").rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".npz", ".ubj"}


def test_two_rows_are_enough_to_fit(surrogate, table) -> None:
    features, targets = table
    prediction = fit_and_predict(surrogate, features[:2], targets[:2])
    assert np.isfinite(prediction.mean.to_numpy()).all()


def test_bad_training_tables(surrogate, table) -> None:
    features, targets = table
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="at least 2 evaluated candidates, got 1"):
        surrogate.fit(features[:1], targets[:1], rng)
    with pytest.raises(ValueError, match="got 60 and 59"):
        surrogate.fit(features, targets[1:], rng)
    broken = targets.copy()
    broken.loc[3, "std_1d"] = math.nan
    with pytest.raises(ValueError, match=r"targets column 'std_1d' .* not finite"):
        surrogate.fit(features, broken, rng)
    with pytest.raises(ValueError, match="no columns"):
        surrogate.fit(features[[]], targets, rng)
    with pytest.raises(ValueError, match="'a' twice"):
        surrogate.fit(features[["a", "a"]], targets, rng)


def test_predicting_without_a_feature_of_the_fit(surrogate, table) -> None:
    features, targets = table
    fitted = surrogate.fit(features, targets, np.random.default_rng(0))
    with pytest.raises(ValueError, match="missing here: c, e"):
        fitted.predict(features[list("abdf")])


def test_held_out_tau_never_shows_a_candidate_its_own_measurement(surrogate, table) -> None:
    features, targets = table
    noise = targets.copy()
    noise["accuracy_1d"] = np.random.default_rng(5).random(len(noise))
    measured = held_out_tau(surrogate, features, noise, 6, np.random.default_rng(0))
    assert abs(measured.tau["accuracy_1d"]) < 0.25  # fitted rows would give nearly 1
    assert measured.tau["std_1d"] > 0.5


def test_specs_reject_what_they_do_not_know() -> None:
    spec = SURROGATES["analognas"]
    assert spec.model_validate({"kind": "analognas", "trees": 10}).trees == 10
    with pytest.raises(ValidationError, match="Extra inputs"):
        spec.model_validate({"kind": "analognas", "members": 3})
    with pytest.raises(ValidationError, match="kind"):
        spec.model_validate({"kind": "forest"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "must be a JSON object, got list"),
        ("{", "must be JSON"),
        ('{"format": 2}', "`format` must be 1, got 2"),
        ('{"format": 1, "kind": "forest"}', "`kind` must be one of"),
        ('{"format": 1, "kind": "analognas", "files": []}', "'features' is missing"),
        ('{"format": 1, "kind": "committee", "members": ["../x"]}', r"folder itself, got '\.\./x'"),
    ],
)
def test_a_bad_manifest_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_surrogate(tmp_path)


def test_a_folder_without_a_surrogate(tmp_path: Path, table) -> None:
    with pytest.raises(FileNotFoundError, match="this folder has none"):
        load_surrogate(tmp_path)
    fitted = SURROGATES["analognas"](trees=2).build().fit(*table, np.random.default_rng(0))
    fitted.save(tmp_path)
    (tmp_path / json.loads((tmp_path / "manifest.json").read_text())["files"][0][0]).unlink()
    with pytest.raises(FileNotFoundError, match="names this model and it is missing"):
        load_surrogate(tmp_path)
