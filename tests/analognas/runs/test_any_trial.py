"""Any trial taken further, and what a run gives to a notebook."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import analognas
from analognas.errors import UserError
from analognas.progress.observer import Silent
from tests.analognas.runs.test_earlier_run import WRITTEN
from tests.analognas.small_search import TINY, write_small
from tests.analognas.small_search import analognas as command_line


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("any_trial")
    changes = ["search.trials=8", "final.finalists=2"]
    analognas.search(write_small(folder, TINY), out=folder / "run", overrides=changes, observer=Silent())
    return folder / "run"


@pytest.fixture
def written(tmp_path) -> analognas.Run:
    """A run of the digits with eight trials, read alone."""
    return analognas.Run.open(shutil.copytree(WRITTEN, tmp_path / "run"))


@pytest.mark.slow
def test_the_network_of_a_trial_is_trained_once_validated_and_exported(finished, tmp_path) -> None:
    run = analognas.Run.open(finished)
    assert run.result is not None
    other = next(number for number in (1, 2) if number != run.result.trial)
    exported = command_line(
        "export", finished, "--trial", str(other), "--format", "python", "--out", tmp_path
    )
    assert exported.returncode == 0, exported.stderr
    assert f"training trial {other} at full budget, 2 chips" in exported.stderr
    folder = finished / "trials" / str(other)
    assert {"architecture.json", "model.safetensors", "metrics.json"} <= {
        path.name for path in folder.iterdir()
    }
    validated = command_line(
        "validate", finished, "--trial", str(other), "--times", "1 s,1 day,1 month", "--json"
    )
    assert validated.returncode == 0, validated.stderr
    assert "training" not in validated.stderr
    measured = json.loads((folder / "metrics.json").read_text())
    assert measured["trial"] == other
    assert json.loads(validated.stdout)["accuracy"] == measured["network"]["curves"]["test"]["accuracy"]
    network = run.network(other)
    expected = run.trials().set_index("number").loc[other, "parameters"]
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
    assert not list(run.directory.logs.glob("*")), "a training that says nothing leaves no log"


@pytest.mark.slow
def test_a_finalist_is_trained_again_as_it_was_in_the_race(finished) -> None:
    run = analognas.Run.open(finished)
    assert run.result is not None
    for finalist in run.result.finalists:
        assert finalist.trial is not None
        network = run.network(finalist.trial)
        assert all(torch.isfinite(tensor).all() for tensor in network.state_dict().values())
        folder = (
            run.directory.best
            if finalist.trial == run.result.trial
            else run.directory.folder_of_trial(finalist.trial)
        )
        curve = json.loads((folder / "metrics.json").read_text())["network"]["curves"]["validation"]
        day = curve["times_s"].index(86_400.0)
        accuracy = sum(curve["accuracy"][day]) / len(curve["accuracy"][day])
        assert accuracy == pytest.approx(finalist.metrics["accuracy_1d"])


@pytest.mark.slow
def test_several_hardwares_are_columns_of_one_table_and_curves_of_one_drawing(finished, tmp_path) -> None:
    common = ("validate", finished, "--times", "1 s,1 day", "--chips", "2")
    chip = tmp_path / "chip.yaml"
    chip.write_text("name: my-chip\npreset: ideal-8bit\n")
    both = ("--hardware", "pcm-analognas", "--hardware", chip)
    done = command_line(*common, *both, "--plot", tmp_path / "drift.html")
    assert done.returncode == 0, done.stderr
    head, first, *rows = done.stdout.splitlines()
    assert head.startswith("test split, digital accuracy ")
    assert first.split() == ["hardware", "pcm-analognas", "my-chip"]
    assert [row.split("  ")[0] for row in rows[:4]] == ["chips", "tiles", "1 s", "1 day"]
    assert "my-chip" in (tmp_path / "drift.html").read_text()
    one, other = json.loads(command_line(*common, *both, "--json").stdout)
    alone = json.loads(command_line(*common, "--hardware", chip, "--json").stdout)
    assert (one["hardware"], other) == ("pcm-analognas", alone)
    for wrong in ("drift.png", "nowhere/drift.html"):
        refused = command_line(*common, "--plot", tmp_path / wrong)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("number", [0, 9, -1])
def test_a_trial_that_is_not_there_is_told(written, number) -> None:
    with pytest.raises(UserError, match=rf"there is no trial {number}; it has 1 to 8"):
        written.network(number)


@pytest.mark.parametrize("number", ["3", 3.0, True, [3]])
def test_what_is_no_number_of_a_trial_is_told(written, number) -> None:
    with pytest.raises(UserError, match=r"`trial` must be the number of a trial, got "):
        written.network(number)


@pytest.mark.slow
def test_a_number_from_a_table_names_a_trial(finished) -> None:
    run = analognas.Run.open(finished)
    assert run.result is not None
    number = next(number for number in run.trials()["number"] if number != run.result.trial)
    assert run.network(number) is not None
    assert json.loads((finished / "trials" / str(number) / "metrics.json").read_text())["trial"] == number


def test_a_file_that_is_there_is_told_before_a_trial_is_trained(written, tmp_path) -> None:
    (tmp_path / "model.onnx").touch()
    refused = command_line("export", written.path, "--trial", "3", "--format", "onnx", "--out", str(tmp_path))
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "model.onnx: exists already; choose another folder with --out, or replace it with --force" in (
        refused.stderr
    )
    with pytest.raises(UserError, match=r"model\.onnx: exists already"):
        written.export(tmp_path, trial=3)
    assert not (written.path / "trials").exists()


def test_options_that_do_not_fit_are_told_before_a_trial_is_trained(written) -> None:
    for option, value in (("chips", 1), ("confidence", -1), ("device", "tpu"), ("hardware", "")):
        with pytest.raises(UserError, match=f"`{option}`"):
            written.validate(trial=3, **{option: value})
        refused = command_line("validate", written.path, "--trial", "3", f"--{option}", str(value))
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert not (written.path / "trials").exists()


def test_genes_and_accuracies_are_tables(written) -> None:
    table = written.trials(genes=True)
    assert table.loc[0, "OC0"] == json.loads(table.loc[0, "architecture"])["OC0"]
    assert {"M", "blocks.0.WF", "blocks.0.skip"} <= set(table.columns)
    accuracies = written.accuracies()
    assert len(accuracies) == 8 * 3 * 3
    day = accuracies[(accuracies["number"] == 1) & (accuracies["time_s"] == 86_400.0)]
    assert day["accuracy"].mean() == pytest.approx(table.loc[0, "accuracy_1d"])


def test_the_front_the_space_and_the_figures_of_a_run(written) -> None:
    front = written.pareto()
    assert 1 <= len(front) <= 8
    assert front["parameters"].is_monotonic_increasing
    genotype = tuple(json.loads(written.trials().loc[0, "genotype"]))
    assert written.space.describe(genotype)["OC0"] == genotype[0]
    for name in ("search", "drift", "size"):
        assert len(written.plot(name).data) > 0
    with pytest.raises(UserError, match="`figure` must be one of search, drift, size, got 'pie'"):
        written.plot("pie")
    with pytest.raises(UserError, match="`figure` must be one of"):
        written.plot(["search"])  # type: ignore[arg-type]


def test_a_run_without_a_surrogate_says_so(written) -> None:
    with pytest.raises(UserError, match="has no surrogate"):
        written.surrogate  # noqa: B018  # it raises


@pytest.mark.slow
def test_the_surrogate_of_a_run_predicts_candidates_of_its_space(finished) -> None:
    run = analognas.Run.open(finished)
    candidates = run.space.sample(3, np.random.default_rng(0))
    assert run.surrogate.predict(run.space.encode(candidates)).mean.shape == (3, 3)
