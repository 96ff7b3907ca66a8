"""From a run to its chips, and from analog.json to the analog network."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import analognas
import hwsim
from analognas.config.loader import load_config
from analognas.errors import UserError
from analognas.progress.observer import Silent
from tests.analognas.small_search import write_small

SHORT = [
    "search.trials=2", "references=[]", "training.digital.epochs=1", "training.hardware_aware.epochs=0",
    "final.digital_epochs=1", "final.hardware_aware_epochs=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> analognas.Run:
    folder = tmp_path_factory.mktemp("chips")
    overrides = ["search.strategy.kind=random", *SHORT]
    return analognas.search(write_small(folder), out=folder / "run", overrides=overrides, observer=Silent())


def test_they_are_those_of_the_runs_own_figures(run) -> None:
    recorded = run.result.network.curves["test"]
    task = run.config.task.build()
    curve = hwsim.accuracy_over_time(
        run.chips(3), task.standardise(task.test.x), task.test.y, recorded.times_s
    )
    np.testing.assert_array_equal(curve.accuracy, np.array(recorded.accuracy))
    more = hwsim.accuracy_over_time(run.chips(4, seed=5), task.standardise(task.test.x), task.test.y, [1])
    assert not np.array_equal(more.accuracy[0, :3], curve.accuracy[0])


def test_they_need_no_data(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "analognas.runs.chips.prepare", lambda *_: pytest.fail("the ranges are stored, no data are wanted")
    )
    assert len(run.chips(2)) == 2
    other = run.config.hardware.replace({"mvm.output_noise": 0.01})
    assert len(run.chips(2, hardware=other)) == 2


@pytest.mark.parametrize("hardware", ["pcm-rasch2023", {"mvm.output_noise": 0.0}, {"tile.rows": 20}])
def test_other_hardware_is_that_of_validate(run, hardware) -> None:
    chip = hardware if isinstance(hardware, str) else run.config.hardware.replace(hardware)
    task = run.config.task.build()
    validation = run.validate(chip, chips=2, times_s=[1])
    curve = hwsim.accuracy_over_time(
        run.chips(2, hardware=chip), task.standardise(task.test.x), task.test.y, [1]
    )
    np.testing.assert_array_equal(curve.accuracy, np.array(validation.curve.accuracy))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": 0}, r"`1 <= n <= \d+` must hold, got 0"),
        ({"n": "many"}, "`n` must be a whole number, got 'many'"),
        ({"seed": 0.5}, "`seed` must be a whole number"),
        ({"hardware": "nope"}, "no preset 'nope'"),
        ({"hardware": 3}, "`hardware` must be hwsim.Hardware, .*got 3"),
        ({"trial": 99}, "there is no trial 99"),
    ],
)
def test_what_does_not_fit(run, changes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        run.chips(**changes)


def test_a_lost_file_is_named(run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    (tmp_path / "run" / "best" / "analog.json").unlink()
    with pytest.raises(UserError, match=r"analog.json: cannot be read"):
        analognas.Run.open(tmp_path / "run").chips(2)


def test_the_file_gives_the_analog_network_again(run) -> None:
    network, path = run.network(), run.best.folder / "analog.json"
    analog = hwsim.load_analog(network, path)
    stored = json.loads(path.read_text())
    assert hwsim.analog_parameters(analog)["layers"].keys() == stored["layers"]["layers"].keys()
    for name, layer in hwsim.analog_parameters(analog)["layers"].items():
        assert layer["input_range"] == stored["layers"]["layers"][name]["input_range"]
    assert hwsim.tile_map(analog).to_json() == stored["tiles"]


def test_a_warm_started_run_needs_no_other_directory(run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "other")
    path = write_small(tmp_path)
    first = {
        "overrides": [
            "search.strategy.kind=local-search", "search.strategy.initial=1", "search.warm_start=[other]",
            "final.train=false", *SHORT,
        ],
        "observer": Silent(),
    }  # fmt: skip
    warm = analognas.search(path, out=tmp_path / "warm", **first)
    known = {trial.genotype for trial in run.directory.trials()}
    trials = warm.directory.trials()
    assert {trial.origin for trial in trials} == {"neighbour"}
    assert not {trial.genotype for trial in trials} & known
    assert "2 trials of other" in warm.directory.report.read_text()
    shutil.rmtree(tmp_path / "other")
    lines = warm.directory.journal.read_text().splitlines(keepends=True)
    warm.directory.journal.write_text(lines[0])
    (warm.path / "search_end.json").unlink()
    again = analognas.resume(warm.path, observer=Silent()).directory.trials()
    assert [replace(trial, finished_at="", wall_time_s=0.0) for trial in again] == [
        replace(trial, finished_at="", wall_time_s=0.0) for trial in trials
    ]
    assert load_config(warm.directory.config)[0].search.warm_start == (tmp_path / "other",)
