"""Models from files of records, and what they say of architectures."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analognas.bench.records_table import problem_of
from analognas.errors import UserError
from analognas.pretraining import explain, fit_pretrained
from analognas.record.records_file import read_records, write_records
from analognas.strategies.pretrained_file import read_pretrained
from analognas.strategies.problem import Objective
from analognas.strategies.problem_features import problem_features
from analognas.strategies.transfer import Prior
from surrogates import kendall_tau
from tests.analognas.pretraining_records import made_up_records
from tests.analognas.small_search import analognas as run_command


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("records")
    made_up_records(found / "a.csv.gz", n=60, again=10)
    made_up_records(found / "b.csv.gz", n=50, seed=5, name="other", size=16)
    made_up_records(found / "ideal.csv.gz", n=30, hardware="ideal-8bit", data="other")
    made_up_records(found / "few.csv.gz", n=12)
    made_up_records(found / "again.csv.gz", n=30, seed=7)
    done = run_command(
        "surrogate", "fit", found / "a.csv.gz", found / "b.csv.gz", "--out", found / "model.json"
    )
    assert done.returncode == 0, done.stderr
    assert "made-up: 60 candidates, held-out Kendall tau: accuracy_1d 0." in done.stdout
    assert "other, by a model of the others: accuracy_1d 0." in done.stdout
    return found


def test_the_model_orders_networks_of_a_third_task(folder: Path, tmp_path: Path) -> None:
    third = read_records(made_up_records(tmp_path / "third.csv.gz", n=60, seed=9, size=12))
    features = problem_features(problem_of(third), third.population)
    found = read_pretrained(folder / "model.json").model.predict(features)
    assert kendall_tau(found.mean["accuracy_1d"], third.numbers("accuracy_1d")) > 0.6


def test_a_lowered_objective_is_expected_to_be_low(folder: Path, tmp_path: Path) -> None:
    third = read_records(made_up_records(tmp_path / "third.csv.gz", n=60, seed=9, size=12))
    problem = replace(problem_of(third), objective=Objective("avm", -1))
    expected = Prior(read_pretrained(folder / "model.json")).expected(problem, third.population).score
    assert kendall_tau(expected, -third.numbers("avm")) > 0.6


def test_the_card_says_where_it_is_from(folder: Path) -> None:
    card = read_pretrained(folder / "model.json").card
    assert [table["name"] for table in card["tables"]] == ["made-up", "other"]
    assert [table["candidates"] for table in card["tables"]] == [60, 50]
    assert card["tables"][0]["trainings"] == 80
    assert card["leave_one_out"]["other"]["accuracy_1d"] > 0.5
    assert set(card["features"]) >= {"log_share_parameters", "log_nsr_sum"}


def test_a_column_that_measures_nothing_is_no_target(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="the column 'seed' says which trial a row is of and measures nothing"
    ):
        fit_pretrained([folder / "a.csv.gz"], tmp_path / "model.json", targets=["seed"])


def test_equal_records_give_an_equal_file(folder: Path, tmp_path: Path) -> None:
    paths = [folder / "a.csv.gz", folder / "b.csv.gz"]
    fit_pretrained(paths, tmp_path / "model.json.gz", name="model")
    assert (
        gzip.decompress((tmp_path / "model.json.gz").read_bytes())
        == (folder / "model.json").read_bytes().strip()
    )


def test_it_is_explained(folder: Path, tmp_path: Path) -> None:
    done = run_command("surrogate", "explain", folder / "model.json", "--out", tmp_path / "plots.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "plots.html").stat().st_size > 1_000_000  # with plotly's own code
    found = explain(read_pretrained(folder / "model.json"), features=25)
    effects = {(effect.target, effect.feature): effect for effect in found.effects}
    size = sum(effects["accuracy_1d", name].importance for name in ("log_weights", "log_share_parameters"))
    assert size > 0.3
    assert effects["accuracy_1d", "log_weights"].direction == "rises"
    assert effects["avm", "log_weights"].direction == "falls"
    assert sum(e.importance for e in found.effects if e.target == "avm") == pytest.approx(1)


def test_a_model_of_one_table_is_explained_in_the_unit_of_its_targets(folder: Path, tmp_path: Path) -> None:
    model = fit_pretrained([folder / "a.csv.gz"], tmp_path / "one.json", targets=["accuracy_1d"])
    found = explain(model)
    accuracy = read_records(folder / "a.csv.gz").numbers("accuracy_1d")
    for effect in found.effects:
        assert accuracy.min() <= effect.measured.min() <= effect.measured.max() <= accuracy.max()
        assert effect.shown == pytest.approx(100 * effect.measured)
    assert found.to_text().startswith("accuracy_1d (points,")
    assert explain(read_pretrained(folder / "model.json")).to_text().startswith("accuracy_1d (normal score,")


def break_rows(path: Path, tmp_path: Path, change) -> Path:
    records = read_records(path)
    frame = records.frame.fillna({"failure": ""})
    header = {key: value for key, value in records.header.items() if key not in ("format", "schema")}
    change(frame, header)
    broken = tmp_path / "broken.csv.gz"
    write_records(broken, header, frame.to_dict("records"))
    return broken


def put(column: str, value: object):
    def change(frame: pd.DataFrame, header: dict) -> None:
        frame[column] = frame[column].astype(object)
        frame.loc[3, column] = value

    return change


def level(frame: pd.DataFrame, header: dict) -> None:
    frame["avm"] = 0.1


def repeat(frame: pd.DataFrame, header: dict) -> None:
    frame.loc[len(frame)] = frame.loc[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            put("accuracy_1d", np.nan),
            "'accuracy_1d' must hold a number in every row without a failure, line 6",
        ),
        (put("genotype", "1 2"), "`genotype` must be whole numbers, as many in each row"),
        (put("avm", "good"), "`avm` must be a number, line 6 has 'good'"),
        (put("run", 9), "`run` must be from 1 to the 3 runs of the first line, line 6 has '9'"),
        (put("genotype", "999" + " 0" * 17), "the gene "),
        (level, "the column 'avm' is 0.1 in every row"),
        (repeat, "line 83 has a training that is there already"),
        (lambda frame, header: header["config"].pop("hardware"), "config.hardware: Field required"),
        (lambda frame, header: header["config"]["space"].update(kind="cubes"), "describes no search"),
        (lambda frame, header: frame.pop("std_1d"), "no column 'std_1d'"),
    ],
)
def test_bad_records_are_told_in_one_line(folder: Path, tmp_path: Path, change, told: str) -> None:
    broken = break_rows(folder / "a.csv.gz", tmp_path, change)
    done = run_command("surrogate", "fit", broken, "--out", tmp_path / "model.json")
    assert done.returncode == 2
    assert told in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "model.json").exists()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a", "ideal"], "is of other data than .* and files differ in hardware"),
        (["a", "a"], "named twice"),
        (["a", "again"], "same data and hardware"),
        (["few"], "at least 20 measured candidates are needed, got 12"),
        (["nothing"], "no such file"),
    ],
)
def test_records_that_do_not_fit_together(folder: Path, tmp_path: Path, names: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        fit_pretrained([folder / f"{name}.csv.gz" for name in names], tmp_path / "model.json")


def test_a_folder_in_the_place_of_the_model_is_told_before_the_fit(folder: Path) -> None:
    with pytest.raises(UserError, match="is a folder; name a file"):
        fit_pretrained([folder / "a.csv.gz"], folder)


def test_records_of_other_spaces_are_refused(folder: Path, tmp_path: Path) -> None:
    def change(frame: pd.DataFrame, header: dict) -> None:
        header["config"]["space"] = {"kind": "resnet"}

    other = break_rows(folder / "a.csv.gz", tmp_path, change)
    with pytest.raises(UserError, match="another space"):
        fit_pretrained([folder / "b.csv.gz", other], tmp_path / "model.json")


def of_first_table(**changes: object):
    def change(text: str) -> str:
        content = json.loads(text)
        content["card"]["tables"][0] |= changes
        return json.dumps(content)

    return change


def of_card(**changes: object):
    def change(text: str) -> str:
        content = json.loads(text)
        return json.dumps({**content, "card": {**content["card"], **changes}})

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text[: len(text) // 2], "damaged or no JSON"),
        (lambda text: '{"format": "other"}', "no model of"),
        (lambda text: text.replace('"schema":1', '"schema":2', 1), "newer than 1"),
        (
            lambda text: json.dumps({**json.loads(text), "card": {}}),
            "its card is damaged (name: Field required)",
        ),
        (of_card(held_out=5), "held_out: Input should be a valid dictionary"),
        (of_card(tables=[]), "tables: List should have at least 1 item"),
        (of_first_table(training="abc"), "tables.0.training: Input should be a valid dictionary"),
        (
            of_first_table(training={"digital": {"epochs": 0}}),
            "tables.0.training.digital.epochs: Input should be",
        ),
        (of_card(features=None), "features: Input should be a valid dictionary"),
        (lambda text: "[" * 100_000, "damaged or no JSON"),
        (
            lambda text: json.dumps({**json.loads(text), "model": {"kind": "rank-model"}}),
            "'features' is missing",
        ),
    ],
)
def test_a_damaged_model_is_told_in_one_line(folder: Path, tmp_path: Path, change, told: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(change((folder / "model.json").read_text()))
    done = run_command("surrogate", "explain", path)
    assert done.returncode == 2
    assert told in done.stderr and done.stderr.count("\n") == 1
