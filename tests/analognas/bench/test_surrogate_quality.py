"""Learning curves of surrogates on tables."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from analognas.bench import BenchError, BenchTable, open_table
from analognas.bench.gene_space import GeneSpace
from analognas.bench.plot import learning_curves_svg
from analognas.bench.surrogate_quality import evaluate_surrogates, noise_ceiling
from analognas.bench.table import make_table
from surrogates.gaussian_process import GaussianProcessSurrogate
from tests.analognas.cli.command_line import invoke
from tests.analognas.pretraining_records import made_up_records


@pytest.fixture(scope="module")
def table() -> BenchTable:
    rng = np.random.default_rng(0)
    space = GeneSpace(tuple("abcdefg"), (("0", "1", "2"),) * 7)
    population = np.unique(space.sample(400, rng), axis=0)[:240]
    truth = (population * np.arange(1, 8)).sum(axis=1) / 10
    runs = truth[:, None] + 0.15 * rng.standard_normal((240, 3))
    costs = {"parameters": 1000.0 + 50 * population.sum(axis=1)}
    return make_table("made up", "accuracy", space, population, runs.mean(axis=1), {}, runs=runs, costs=costs)


def test_more_rows_predict_better_and_intervals_cover(table: BenchTable) -> None:
    found = evaluate_surrogates(table, ["gaussian-process", "ridge"], train=(20, 120), splits=4)
    few, many = (found.figures["gaussian-process", n] for n in (20, 120))
    assert many["tau"].mean() > few["tau"].mean() > 0.3
    assert many["tau_at_equal_size"].mean() > 0.3
    assert 0.8 <= many["coverage_90"].mean() <= 0.98
    assert found.figures["ridge", 120]["tau"].mean() > 0.9  # the truth is linear
    assert np.isnan(found.figures["ridge", 120]["coverage_90"]).all()


def test_the_ceiling_is_how_well_one_training_predicts_the_others(table: BenchTable) -> None:
    ceiling = noise_ceiling(table)
    assert ceiling is not None
    assert 0.8 < ceiling[0] < 1.0
    assert 0.0 < ceiling[1] < ceiling[0]
    assert noise_ceiling(open_table("synthetic", None)) is None


def test_a_recipe_of_ones_own_is_judged_by_its_name(table: BenchTable) -> None:
    found = evaluate_surrogates(
        table, {"mine": GaussianProcessSurrogate()}, train=[30], splits=2, scale="raw"
    )
    assert list(found.figures) == [("mine", 30)]
    assert "fitted on raw" in found.to_text()
    content = json.loads(json.dumps(found.to_json()))
    assert content["surrogates"][0]["tau"]["mean"] == pytest.approx(found.figures["mine", 30]["tau"].mean())
    assert content["noise_ceiling"]["tau"] > 0.8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"surrogates": ["comittee"]}, "no surrogate 'comittee', did you mean `committee`?"),
        ({"train": (239,)}, "`train` must be 5 to 238 rows"),
        ({"train": (4,)}, "got 4"),
        ({"splits": 1}, "`splits >= 2` must hold"),
    ],
)
def test_what_cannot_be_evaluated(table: BenchTable, arguments: dict, message: str) -> None:
    with pytest.raises(BenchError) as error:
        evaluate_surrogates(table, **arguments)
    assert message in str(error.value)


def test_the_command(tmp_path: Path) -> None:
    rows = "\n".join(f"{a},{b},{c},{a + 2 * b + c / 3}" for a in range(3) for b in range(3) for c in range(3))
    (tmp_path / "table.csv").write_text(f"gene_a,gene_b,gene_c,accuracy\n{rows}\n")
    arguments = [
        "--table",
        tmp_path / "table.csv",
        "--target",
        "accuracy",
        "--surrogate",
        "gaussian-process,ridge",
    ]
    done = invoke("surrogate", "evaluate", *arguments, "--train", "10", "--splits", "2", "--json")
    assert done.exit_code == 0, done.output
    assert [entry["surrogate"] for entry in json.loads(done.stdout)["surrogates"]] == [
        "gaussian-process",
        "ridge",
    ]
    wrong = invoke("surrogate", "evaluate", *arguments, "--train", "ten")
    assert wrong.exit_code == 2
    assert "--train must be whole numbers" in wrong.output


def test_another_training_is_what_a_surrogate_is_held_against(table: BenchTable) -> None:
    found = evaluate_surrogates(table, ["ridge"], train=[160], splits=4)
    figures = found.figures["ridge", 160]
    one, other = figures["one_training"].mean(), figures["of_another"].mean()
    assert 0.7 < other < one  # the truth is linear: it orders one training better than another training does
    assert 0 < figures["of_another_at_equal_size"].mean() < other
    share = json.loads(json.dumps(found.to_json()))["surrogates"][0]["share_of_ceiling"]
    assert share["tau"] == pytest.approx(one / other)
    assert "of ceiling" in found.to_text()


def test_without_several_trainings_there_is_no_ceiling_to_reach() -> None:
    found = evaluate_surrogates(open_table("synthetic", None), ["ridge"], train=[30], splits=2)
    assert np.isnan(found.figures["ridge", 30]["one_training"]).all()
    assert "of ceiling" not in found.to_text()
    assert found.to_json()["surrogates"][0]["share_of_ceiling"] == {"tau": None, "tau_at_equal_size": None}


@pytest.mark.parametrize("features", ["genotype", "architecture", "all"])
def test_records_are_a_table_with_both_kinds_of_features(tmp_path: Path, features) -> None:
    path = made_up_records(tmp_path / "records.csv.gz", n=90, again=40)
    table = open_table(str(path), "accuracy_1d")
    assert (len(table), table.trainings) == (90, 3)
    assert np.isfinite(table.runs).all(axis=1).sum() == 40
    found = evaluate_surrogates(table, ["ridge"], train=[60], splits=2, features=features)
    assert found.figures["ridge", 60]["tau"].mean() > 0.6
    assert np.isfinite(found.figures["ridge", 60]["one_training"]).all()


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    path = made_up_records(tmp_path / "records.csv.gz", n=40)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BenchError, match="cannot be read: damaged") as error:
        open_table(str(path), "accuracy_1d")
    assert "\n" not in str(error.value)


def test_what_is_to_be_lowered_is_negated(tmp_path: Path) -> None:
    path = made_up_records(tmp_path / "records.csv.gz", n=40)
    accuracy, avm = (open_table(str(path), name) for name in ("accuracy_1d", "avm"))
    assert (avm.values < 0).all()
    assert np.corrcoef(accuracy.values, avm.values)[0, 1] > 0.9


def test_shares_of_the_rows_and_features_that_are_not_known(tmp_path: Path) -> None:
    path = made_up_records(tmp_path / "records.csv.gz", n=40)
    words = [
        "surrogate",
        "evaluate",
        "--table",
        path,
        "--target",
        "avm",
        "--surrogate",
        "ridge",
        "--splits",
        "2",
    ]
    done = invoke(*map(str, words), "--train", "50%", "--json")
    assert json.loads(done.stdout)["surrogates"][0]["train"] == 20
    assert "70%" in invoke(*map(str, words), "--train", "half").stderr
    with pytest.raises(BenchError, match="known of records"):
        evaluate_surrogates(open_table("synthetic", None), ["ridge"], train=[30], features="all")
    with pytest.raises(BenchError, match="did you mean `avm`"):
        open_table(str(path), "avn")


def test_a_few_third_trainings_do_not_stand_for_all_that_have_two(tmp_path: Path) -> None:
    path = made_up_records(tmp_path / "records.csv.gz", n=60, again=40)
    table = open_table(str(path), "accuracy_1d")
    assert table.runs is not None
    cut = table.runs.copy()
    cut[np.flatnonzero(np.isfinite(cut[:, 2]))[5:], 2] = np.nan
    twice = dataclasses.replace(table, runs=table.runs[:, :2])
    assert noise_ceiling(dataclasses.replace(table, runs=cut)) == noise_ceiling(twice)
    assert noise_ceiling(table) != noise_ceiling(twice)


def test_learning_curves_are_drawn_with_the_noise_ceiling(table: BenchTable) -> None:
    found = evaluate_surrogates(table, ["ridge", "gaussian-process"], train=(20, 60, 120), splits=3)
    drawn = ElementTree.fromstring(learning_curves_svg(found))
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    lines = [*drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    assert texts[-3:] == ["ridge", "gaussian-process", "another training"]
    assert [len(line.get("points", "").split()) for line in lines] == [3, 3, 3]
    heights = [float(point.split(",")[1]) for point in lines[0].get("points", "").split()]
    assert heights == sorted(heights, reverse=True)  # more rows, a higher place
    level = {point.split(",")[1] for point in lines[2].get("points", "").split()}
    assert len(level) == 1
    with pytest.raises(ValueError, match="needs two numbers of rows or more, got 20"):
        learning_curves_svg(evaluate_surrogates(table, ["ridge"], train=(20,), splits=2))


def test_a_target_without_an_order_is_refused(table: BenchTable) -> None:
    level = dataclasses.replace(table, values=np.full(len(table), 0.5))
    with pytest.raises(BenchError, match=r"`accuracy` is 0\.5 in every row, which orders no candidates"):
        evaluate_surrogates(level, ["ridge"], train=(20,), splits=2)


def test_a_plot_that_cannot_be_written_costs_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("analognas.record.directory.write_atomically", full)
    arguments = ("surrogate", "evaluate", "--table", "synthetic", "--surrogate", "ridge", "--splits", "2")
    done = invoke(*arguments, "--train", "20,40", "--plot", str(tmp_path / "curve.svg"))
    assert done.exit_code == 2
    assert "ridge" in done.stdout
    assert "curve.svg cannot be written: No space left on device" in done.stderr


def test_the_command_draws_learning_curves(tmp_path: Path) -> None:
    arguments = ("surrogate", "evaluate", "--table", "synthetic", "--surrogate", "ridge", "--splits", "2")
    plot = tmp_path / "curve.svg"
    done = invoke(*arguments, "--train", "20,40", "--plot", str(plot))
    assert done.exit_code == 0, done.stderr
    assert plot.read_text().startswith("<svg")
    for wrong, told in (
        (("--train", "20", "--plot", plot), "--plot needs two numbers of rows or more in --train, got '20'"),
        (("--plot", tmp_path / "curve.png"), "the name must end in .svg"),
        (("--plot", tmp_path / "none" / "curve.svg"), "there is no folder"),
    ):
        done = invoke(*arguments, *map(str, wrong))
        assert done.exit_code == 2
        assert told in done.stderr
