"""Networks of runs and architecture files in the formats of other tools, and back again."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import analognas
import hwsim
from analognas.errors import UserError
from analognas.export import ExportError
from analognas.progress.observer import Observer, Silent
from tests.analognas.cli.command_line import invoke
from tests.analognas.small_search import write_small

SHORT = [
    "search.strategy.kind=random", "search.trials=2", "references=[]", "training.digital.epochs=1",
    "training.hardware_aware.epochs=0", "final.digital_epochs=1", "final.hardware_aware_epochs=0",
]  # fmt: skip
SMALL_CHIP = (
    "chip: hermes-64core\ntiles: 1\nhardware: {preset: pcm-analognas, tile: {rows: 128, columns: 64}}\n"
)


class Listener(Observer):
    """Keeps the stages."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def stage(self, name: str) -> None:
        self.heard.append(name)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> analognas.Run:
    folder = tmp_path_factory.mktemp("export")
    return analognas.search(write_small(folder), out=folder / "run", overrides=SHORT, observer=Silent())


def test_an_architecture_with_its_weights_gives_what_the_run_does(run, tmp_path) -> None:
    listener = Listener()
    run.export(tmp_path / "run", ["model.py", "json"], observer=listener)
    architecture = run.directory.best / "architecture.json"
    analognas.export_network(architecture, tmp_path / "file", ["python", "architecture"])
    for name in ("model.safetensors", "architecture.json"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "file" / name).read_bytes()
    assert [line.partition(" ")[0] for line in listener.heard] == ["model.py", "json"]
    assert all("keeps" in line and "loses" in line and "loaded again" in line for line in listener.heard)


def test_conductances_are_those_of_the_runs_figures_and_come_back(run, tmp_path) -> None:
    recorded = run.result.network.curves["test"]
    run.export(tmp_path, ["conductances"], chips=3)
    path = tmp_path / "conductances.safetensors"
    (found,) = analognas.validate(run.path, conductances=path, times_s=recorded.times_s)
    assert found.curve == recorded
    chips = analognas.load_chips(run.directory.best / "architecture.json", path)
    task = run.config.task.build()
    curve = hwsim.accuracy_over_time(chips, task.standardise(task.test.x), task.test.y, recorded.times_s)
    np.testing.assert_array_equal(curve.accuracy, np.array(recorded.accuracy))


def test_one_measured_chip_is_enough(run, tmp_path) -> None:
    run.export(tmp_path, ["conductances"])
    path = tmp_path / "conductances.safetensors"
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = {
        name: value * 0.9 if name.endswith("g_us") else value for name, value in load_file(path).items()
    }
    save_file(tensors, path, metadata)
    (found,) = analognas.validate(run.path, conductances=path, times_s=[1.0])
    assert [len(row) for row in found.curve.accuracy] == [1]
    assert found.std == [0.0]


def test_weights_come_back_with_the_normalisation(run, tmp_path) -> None:
    run.export(tmp_path, ["safetensors", "json"])
    task = run.config.task.build()
    network = analognas.load_network(tmp_path / "architecture.json")
    with torch.no_grad():
        found = network(task.test.x.float())
        expected = run.network()(task.standardise(task.test.x))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    elsewhere = analognas.load_network(run.path, tmp_path / "model.safetensors")
    assert elsewhere.mean.equal(network.mean)


def test_conductances_of_another_network_are_refused(run, tmp_path) -> None:
    run.export(tmp_path, ["conductances", "safetensors", "json"])
    weights = tmp_path / "model.safetensors"
    with safe_open(weights, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(weights)
    save_file({name: value + 0.1 for name, value in tensors.items()}, weights, metadata)
    architecture, path = tmp_path / "architecture.json", tmp_path / "conductances.safetensors"
    with pytest.raises(UserError, match=r"column scales of .* are others"):
        analognas.load_chips(architecture, path)
    with pytest.raises(UserError, match=r"column scales of .* are others"):
        analognas.validate(architecture, conductances=path)
    with pytest.raises(UserError, match=r"are chips of their own hardware"):
        analognas.validate(run.path, "pcm-hermes-2", conductances=path)


def test_the_command_line_says_in_one_line_which_conductances_it_takes(run, tmp_path) -> None:
    run.export(tmp_path, ["conductances", "safetensors", "json"])
    weights, path = tmp_path / "model.safetensors", tmp_path / "conductances.safetensors"
    with safe_open(weights, "pt") as file:
        metadata = file.metadata()
    save_file({name: value + 0.1 for name, value in load_file(weights).items()}, weights, metadata)
    architecture, torn, other = tmp_path / "architecture.json", tmp_path / "torn", tmp_path / "other"
    torn.write_bytes(path.read_bytes()[:-100])
    save_file({"x": torch.zeros(1)}, other)
    wrote = "; give a file that `analognas export DIR --format conductances` wrote\n"
    own = f"`analognas export {architecture} --format conductances`\n"
    for place, file, said, end in (
        (
            architecture,
            path,
            f"--conductances {path}: holds chips of another network than {architecture}: the weights of `",
            own,
        ),
        (run.path, torn, f"--conductances: {torn}: must be a safetensors file of conductances: ", wrote),
        (run.path, other, f"--conductances: {other}: `format` must be hwsim-conductances-1, got None", wrote),
        (run.path, tmp_path, f"--conductances: {tmp_path}: must be a safetensors file", wrote),
        (
            run.path,
            tmp_path / "none",
            f"--conductances: {tmp_path / 'none'}: must be a safetensors file",
            wrote,
        ),
    ):
        done = invoke("validate", place, "--conductances", file, "--times", "1 s")
        assert done.exit_code == 2
        assert done.stderr.startswith(said) and done.stderr.endswith(end)
        assert done.stderr.count("\n") == 1
        assert not any(word in done.stderr for word in ("`net`", "`model`", "hwsim.", "load the weights"))


def test_a_run_without_a_trial_is_to_be_continued(run, tmp_path) -> None:
    empty = shutil.copytree(run.path, tmp_path / "empty")
    shutil.rmtree(empty / "best")
    (empty / "trials.jsonl").write_text("")
    for arguments in (["--trial", "1"], ["--format", "study"]):
        done = invoke("export", empty, *arguments, "--out", tmp_path / "out")
        assert done.exit_code == 2
        assert done.stderr.startswith(f"{empty}: ")
        assert done.stderr.endswith(f"; continue the run with `analognas resume {empty}`\n")
        assert done.stderr.count("\n") == 1
    config = empty / "config.yaml"
    config.write_text(config.read_text()[:-100] + " [")
    done = invoke("export", empty, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "not YAML: " in done.stderr and done.stderr.endswith("restore the file from a copy\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "onx"], "did you mean `onnx`"),
        (
            ["--format", "conductances", "--chips", "0"],
            "--chips must be a whole number from 1 to 1000, got 0",
        ),
        (["--format", "conductances", "--chip-seed", "-1"], "--chip-seed must be a whole number from 0 on"),
        (["--format", "conductances", "--chip", "none-such"], "--chip: `chip` must be one of"),
        (["--format", "spice", "--tile", "none:1"], "--tile must be LAYER or LAYER:NUMBER of"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(run, arguments, said, tmp_path) -> None:
    done = invoke("export", run.path, *arguments, "--out", tmp_path)
    assert done.exit_code == 2
    assert said in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_chip_that_is_too_small_says_what_is_missing(run, tmp_path) -> None:
    chip = tmp_path / "mine.yaml"
    chip.write_text(SMALL_CHIP)
    for name in ("conductances", "c-header", "spice"):
        with pytest.raises(ExportError, match=r"\d+ of 1 are missing; most need `"):
            run.export(tmp_path / "out", [name], chip=str(chip))
    run.export(tmp_path / "out", ["onnx"], chip=str(chip))  # needs no chip


def test_a_chip_with_other_tiles_is_refused_as_a_search_does(run, tmp_path) -> None:
    for place in (run.path, run.directory.best / "architecture.json"):
        done = invoke("export", place, "--format", "conductances", "--chip", "aon-cim", "--out", tmp_path)
        assert done.exit_code == 2
        assert (
            "--chip: the tiles of `hardware` must be those of `chip`, 1024 × 512 packed, got 128 × 64"
            in done.stderr
        )
        assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_unfinished_half_written_and_newer_ones_are_told(run, tmp_path) -> None:
    unfinished = shutil.copytree(run.path, tmp_path / "unfinished")
    shutil.rmtree(unfinished / "best")
    done = invoke("export", unfinished, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "has not ended; continue it with" in done.stderr
    assert "take a trial of it with --trial" in done.stderr
    (unfinished / "trials.jsonl").write_text("")
    with pytest.raises(UserError, match=r"has not ended; continue it with `analognas resume [^`]*`$"):
        analognas.export_network(unfinished, tmp_path / "out")
    torn = shutil.copytree(run.path, tmp_path / "torn")
    (torn / "best" / "model.safetensors").write_bytes(b"half")
    for place in (torn, torn / "best" / "architecture.json"):
        with pytest.raises(UserError, match="not readable weights"):
            analognas.export_network(place, tmp_path / "out", ["onnx"])
    newer = torn / "best" / "architecture.json"
    content = json.loads(newer.read_text())
    newer.write_text(json.dumps({**content, "schema_version": 2, "of_the_future": 1}))
    with pytest.raises(
        UserError, match="`schema_version` must be at most 1, got 2: a newer analognas wrote it"
    ):
        analognas.load_network(newer)
    for wrong in (0, "new", None):
        newer.write_text(json.dumps({**content, "schema_version": wrong}))
        with pytest.raises(UserError, match="schema_version"):
            analognas.load_network(newer)
    with pytest.raises(UserError, match="`trial` is for a run directory"):
        analognas.export_network(run.directory.best / "architecture.json", tmp_path / "out", trial=1)


def test_names_of_version_0_1_and_the_study_stay(run, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--format", "architecture", "--format", "analog", "--format", "study"]
    done = invoke("export", run.path, *arguments, "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "analog.json",
        "architecture.json",
        "study.db",
    ]
