from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from surrogates import XGBoostSurrogate, held_out_tau


def test_members_disagree_less_the_more_candidates_they_have_seen() -> None:
    x = np.random.default_rng(0).random((400, 3)).astype(np.float32)
    features = pd.DataFrame(x, columns=["a", "b", "c"])
    targets = pd.DataFrame({"accuracy_1d": np.sin(6 * x[:, 0]) + x[:, 1]})
    stds = []
    for n in (20, 80, 300):
        fitted = XGBoostSurrogate().fit(features[:n], targets[:n], np.random.default_rng(0))
        stds.append(fitted.predict(features[300:]).std["accuracy_1d"].mean())
    assert stds[0] > 1.3 * stds[1] > 1.3**2 * stds[2]


def test_another_seed_gives_other_members(table) -> None:
    first, second = (
        XGBoostSurrogate().fit(*table, np.random.default_rng(seed)).predict(table[0]).mean for seed in (0, 1)
    )
    assert (first["accuracy_1d"] != second["accuracy_1d"]).any()


def test_one_member_has_no_uncertainty(table) -> None:
    fitted = XGBoostSurrogate(members=1).fit(*table, np.random.default_rng(0))
    assert (fitted.predict(table[0]).std == 0).all(axis=None)


def test_a_full_disk_is_an_error_of_the_system(table, tmp_path) -> None:
    fitted = XGBoostSurrogate(members=1, trees=1).fit(*table, np.random.default_rng(0))
    (tmp_path / "target0-member0.ubj").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        fitted.save(tmp_path)


def test_small_scales_are_fitted_as_well_as_large_ones(table) -> None:
    features, targets = table
    columns = pd.DataFrame({"large": targets["accuracy_1d"], "small": 1e-6 * targets["accuracy_1d"]})
    fitted = XGBoostSurrogate(members=1, row_share=1.0, feature_share=1.0)
    mean = fitted.fit(features, columns, np.random.default_rng(0)).predict(features).mean
    np.testing.assert_allclose(mean["small"] * 1e6, mean["large"], atol=2e-3)


@pytest.mark.data
def test_held_out_tau_of_real_measurements(analognas_bench) -> None:
    features, targets = analognas_bench
    rows = np.random.default_rng(3).permutation(len(features))[:200]
    measured = held_out_tau(
        XGBoostSurrogate(), features.iloc[rows], targets.iloc[rows], 5, np.random.default_rng(0)
    )
    assert measured.tau["accuracy_1d"] > 0.5
    assert measured.tau["std_1d"] > 0.35
    assert measured.tau["avm"] > 0.3


def test_a_target_that_may_only_fall_with_a_feature_falls() -> None:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.random((60, 2)).astype(np.float32), columns=["noise", "width"])
    wrong = features["noise"] + 0.3 * rng.standard_normal(60)  # rises, but for noise
    targets = pd.DataFrame({"accuracy_1d": wrong, "avm": wrong})
    recipe = XGBoostSurrogate(members=2, monotone=(("accuracy_1d", "noise", -1),))
    fitted = recipe.fit(features, targets, np.random.default_rng(1))
    along = pd.DataFrame({"noise": np.linspace(0, 1, 50, dtype=np.float32), "width": np.float32(0.5)})
    found = fitted.predict(along).mean
    assert (np.diff(found["accuracy_1d"]) <= 1e-9).all()
    assert found["avm"].iloc[-1] > found["avm"].iloc[0] + 0.3  # the other target is free
