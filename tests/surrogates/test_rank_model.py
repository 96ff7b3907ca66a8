"""Models of ranks: what they order, where they know nothing, and what a file of one holds."""

import json

import numpy as np
import pandas as pd
import pytest

from surrogates import kendall_tau
from surrogates.rank_model import RankModel
from surrogates.rank_model_fit import TrainingTable, fit_rank_model


def table(seed: int, scale: float = 1.0, n: int = 120, name: str = "one") -> TrainingTable:
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(rng.random((n, 6)).astype(np.float32), columns=list("abcdef"))
    truth = 2 * features["a"] - features["b"] ** 2
    targets = pd.DataFrame(
        {
            "accuracy_1d": scale * np.exp(truth) + 0.05 * scale * rng.standard_normal(n),
            "avm": -truth + 0.1 * rng.standard_normal(n),
        }
    )
    return TrainingTable(name, features, targets)


@pytest.fixture(scope="module")
def model() -> RankModel:
    return fit_rank_model([table(0), table(1, scale=100, name="other")], np.random.default_rng(0))


def test_it_orders_networks_of_a_table_on_another_scale(model: RankModel) -> None:
    unseen = table(2, scale=7)
    found = model.predict(unseen.features)
    assert kendall_tau(found.mean["accuracy_1d"], unseen.targets["accuracy_1d"]) > 0.75
    assert kendall_tau(found.mean["avm"], unseen.targets["avm"]) > 0.7
    assert set(model.held_out) == {"one", "other"}
    assert model.held_out["other"]["accuracy_1d"] > 0.7


def test_intervals_cover_measurements_of_a_new_table(model: RankModel) -> None:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    unseen = table(3, n=400)
    found = model.predict(unseen.features)
    scores = ndtri((rankdata(unseen.targets["avm"]) - 0.5) / 400)
    inside = np.abs(found.mean["avm"] - scores) <= 1.645 * found.std["avm"]
    assert 0.8 < inside.mean() < 0.97


def test_outside_of_what_was_seen_it_is_as_unsure_as_of_any_network(model: RankModel) -> None:
    inside = table(4).features.iloc[:4]
    outside = inside.assign(a=1.5)
    assert (model.outside(inside) < 0.05).all()
    assert (model.outside(outside) > 0.45).all()
    quarter = inside.assign(a=model.high[0] + 0.25 * (model.high[0] - model.low[0]))
    for features, share in ((inside, 0), (quarter, 0.5), (outside.assign(a=3.0), 1)):
        assert model.unknown(features) == pytest.approx(share, abs=0.1)
    near, far = model.predict(inside), model.predict(outside.assign(a=3.0))
    edge = model.predict(inside.assign(a=model.high[0]))
    assert np.array_equal(far.mean, edge.mean)  # trees go on as they end
    assert (far.std.to_numpy() >= 1).all() and (near.std.to_numpy() < 1).all()


def test_a_file_of_it_predicts_the_same(model: RankModel) -> None:
    again = RankModel.from_json(json.loads(json.dumps(model.to_json())))
    features = table(5).features
    expected, found = model.predict(features), again.predict(features)
    assert np.array_equal(found.mean, expected.mean) and np.array_equal(found.std, expected.std)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content.update(kind="other"), "`kind` must be"),
        (lambda content: content.pop("low"), "'low' is missing"),
        (lambda content: content["noise"].append(1.0), "`noise` does not fit"),
        (lambda content: content["trees"][0].pop(), "`trees` does not fit"),
        (lambda content: content["trees"].pop(), "`trees` does not fit"),
        (lambda content: content["trees"][0][0].pop("learner"), "damaged"),
        (lambda content: content["features"].pop(), "damaged"),
        (lambda content: content["background"][0].pop(), "`background` must be numbers"),
        (
            lambda content: content.update(background=content["background"][0][:4]),
            "`background` does not fit",
        ),
        (lambda content: content.update(background=[1.0] * 12), "`background` does not fit"),
        (lambda content: content.update(background=[]), "`background` does not fit"),
        (
            lambda content: content["background"][0].__setitem__(0, float("nan")),
            "`background` must be finite",
        ),
        (lambda content: content["low"].__setitem__(0, float("inf")), "`low` must be finite"),
        (lambda content: content["low"].__setitem__(0, 1e9), "`low <= high` and `noise >= 0` must hold"),
        (lambda content: content["noise"].__setitem__(0, -1.0), "`low <= high` and `noise >= 0` must hold"),
    ],
)
def test_a_damaged_file_is_told(model: RankModel, change, told: str) -> None:
    content = json.loads(json.dumps(model.to_json()))
    change(content)
    with pytest.raises(ValueError, match=told) as error:
        RankModel.from_json(content)
    assert "\n" not in str(error.value)


def break_tree(part: str, value: int):
    def change(content: dict) -> None:
        content["trees"][0][0]["learner"]["gradient_booster"]["model"]["trees"][0][part][0] = value

    return change


def other_objective(content: dict) -> None:
    content["trees"][0][0]["learner"]["objective"]["name"] = "binary:logistic"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (break_tree("left_children", 99_999), "out of range, or of two nodes"),
        (break_tree("left_children", 0), "out of range, or of two nodes"),
        (break_tree("right_children", 1), "out of range, or of two nodes"),
        (break_tree("split_indices", 99_999), "splits by a feature that is not there"),
        (break_tree("split_type", 1), "splits by categories"),
        (other_objective, "of the objective 'binary:logistic'"),
    ],
)
def test_what_is_no_tree_is_never_walked(model: RankModel, change, told: str) -> None:
    """XGBoost follows any index: it would crash, or never come back."""
    content = json.loads(json.dumps(model.to_json()))
    change(content)
    with pytest.raises(ValueError, match=told):
        RankModel.from_json(content)


def test_what_cannot_be_fitted() -> None:
    one = table(0)
    with pytest.raises(ValueError, match="at least one table"):
        fit_rank_model([], np.random.default_rng(0))
    with pytest.raises(ValueError, match="one a fold, got 4"):
        fit_rank_model([table(0, n=4)], np.random.default_rng(0))
    other = TrainingTable("two", one.features.rename(columns={"a": "z"}), one.targets)
    with pytest.raises(ValueError, match="two: has other columns than one, such as 'a'"):
        fit_rank_model([one, other], np.random.default_rng(0))
    holed = TrainingTable("two", one.features, one.targets.replace(one.targets.iloc[0, 0], np.nan))
    with pytest.raises(ValueError, match="not finite"):
        fit_rank_model([holed], np.random.default_rng(0))


def test_a_missing_feature_is_named(model: RankModel) -> None:
    with pytest.raises(ValueError, match="missing here: b"):
        model.predict(table(0).features.drop(columns="b"))


def test_values_of_one_table_come_with_intervals_and_those_of_several_do_not(model: RankModel) -> None:
    alone = fit_rank_model([table(0, n=200)], np.random.default_rng(0))
    unseen = table(5, n=300)
    found = alone.values(unseen.features)["accuracy_1d"]
    measured = unseen.targets["accuracy_1d"].to_numpy()
    assert np.corrcoef(found[:, 0], measured)[0, 1] > 0.9
    assert (np.diff(found[:, [1, 0, 2]], axis=1) >= 0).all()
    assert 0.8 < ((found[:, 1] <= measured) & (measured <= found[:, 2])).mean() < 0.98
    again = RankModel.from_json(json.loads(json.dumps(alone.to_json())))
    np.testing.assert_array_equal(again.values(unseen.features)["accuracy_1d"], found)
    with pytest.raises(ValueError, match="fitted on several tables"):
        model.values(unseen.features)


def test_damaged_quantiles_are_told() -> None:
    content = fit_rank_model([table(0)], np.random.default_rng(0)).to_json()
    content["quantiles"]["avm"].reverse()
    with pytest.raises(ValueError, match="`quantiles` must ascend"):
        RankModel.from_json(content)
