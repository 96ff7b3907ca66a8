"""One real search through the command line, and everything a user does with it afterwards."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from analognas import Run, UserError
from analognas.tasks.digits import load_digits
from tests.analognas.small_search import COMPLETE, analognas, analognas_process, write_small

pytestmark = pytest.mark.slow

FILES = {"config.yaml", "environment.json", "trials.jsonl", "summary.csv", "pareto.csv", "report.html"}
BEST = {
    "SHA256SUMS",
    "architecture.json",
    "model.py",
    "model.safetensors",
    "model.onnx",
    "model.pt2",
    "analog.json",
    "metrics.json",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("search")
    done = analognas_process("search", write_small(folder, COMPLETE), "--out", folder / "run")
    assert done.returncode == 0, done.stderr
    return folder / "run", done


def test_the_run_directory_is_complete(finished) -> None:
    run, _ = finished
    assert {path.name for path in run.iterdir()} == FILES | {"best", "surrogate"}
    assert {path.name for path in (run / "best").iterdir()} == BEST
    assert (run / "surrogate" / "SHA256SUMS").is_file()
    saved = {path.suffix for path in (run / "surrogate").rglob("*.*") if path.is_file()}
    assert {".json", ".ubj"} <= saved <= {".json", ".ubj", ".npz"}


def test_progress_is_plain_lines_and_the_result_comes_last(finished) -> None:
    run, done = finished
    assert "\x1b" not in done.stderr
    assert "trial 8 of 8" in done.stderr
    head, best, reference, *rest = done.stdout.splitlines()
    assert head.split("  ")[0] == "test split"
    assert best.startswith("best")
    assert reference.startswith("resnet8")
    assert rest[-1] == f"report: {run / 'report.html'}"


def test_python_sees_the_same_run(finished) -> None:
    run = Run.open(finished[0])
    table = run.trials()
    assert len(table) == 8
    assert set(table["status"]) == {"completed"}
    assert table["genotype"].nunique() == 8
    assert (table["parameters"] <= 20_000).all()
    assert run.best.metrics["parameters"] == sum(p.numel() for p in run.best.network().parameters())
    assert run.result is not None
    assert np.array(run.result.network.curves["test"].accuracy).shape == (3, 3)


def test_the_exported_source_needs_torch_and_safetensors_alone(finished, tmp_path) -> None:
    run, _ = finished
    exported = analognas_process("export", run, "--format", "test-data", "--out", tmp_path)
    assert exported.returncode == 0, exported.stderr
    guard = (
        "import sys, runpy\n"
        "class Guard:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'analognas', 'hwsim', 'search_spaces', 'surrogates', 'sklearn', 'pandas'}:\n"
        "            raise ImportError('forbidden: ' + name)\n"
        "sys.meta_path.insert(0, Guard())\n"
        f"sys.argv = ['model.py', {str(tmp_path / 'test-data.safetensors')!r}]\n"
        f"runpy.run_path({str(run / 'best' / 'model.py')!r}, run_name='__main__')\n"
    )
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", guard], capture_output=True, text=True, check=False, cwd=tmp_path, env=clean
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((run / "best" / "metrics.json").read_text())
    expected = metrics["network"]["digital_accuracy"]["test"]
    assert done.stdout == f"accuracy {expected:.6f} on {len(load_digits().test)} inputs\n"


def test_every_exported_network_gives_the_same_logits(finished) -> None:
    run, _ = finished
    task = load_digits()
    network = Run.open(run).best.network()
    session = onnxruntime.InferenceSession(run / "best" / "model.onnx", providers=["CPUExecutionProvider"])
    program = torch.export.load(run / "best" / "model.pt2").module()
    for size in (1, 2, 5):
        raw = task.test.x[:size]
        with torch.inference_mode():
            expected = network(task.standardise(raw)).numpy()
            from_program = program(raw).numpy()
        (from_onnx,) = session.run(None, {session.get_inputs()[0].name: raw.numpy()})
        np.testing.assert_allclose(from_onnx, expected, atol=1e-4)
        np.testing.assert_allclose(from_program, expected, atol=1e-4)


def test_the_tile_map_covers_every_weight(finished) -> None:
    run, _ = finished
    analog = json.loads((run / "best" / "analog.json").read_text())
    weights = load_file(run / "best" / "model.safetensors")
    matrices = sum(
        tensor.numel() for name, tensor in weights.items() if name.endswith("weight") and tensor.ndim > 1
    )
    metrics = json.loads((run / "best" / "metrics.json").read_text())["network"]["metrics"]
    tiles = [tile for layer in analog["tiles"]["layers"].values() for tile in layer["tiles"]]
    assert len(tiles) == metrics["tiles"]
    used = sum((tile[1] - tile[0]) * (tile[3] - tile[2]) for tile in tiles)
    assert used == matrices
    assert metrics["utilisation"] == pytest.approx(used / (len(tiles) * 128 * 64))


def test_resume_of_a_finished_run_says_the_same_again(finished) -> None:
    run, done = finished
    before = (run / "trials.jsonl").read_bytes()
    again = analognas_process("resume", run, "--json")
    assert again.returncode == 0, again.stderr
    assert (run / "trials.jsonl").read_bytes() == before
    content = json.loads(again.stdout)
    assert [network["name"] for network in content["networks"]] == ["best", "resnet8"]
    assert f"{100 * content['networks'][0]['metrics']['accuracy_1d']:.2f}" in done.stdout


@pytest.mark.parametrize("lost", [("model.onnx", "architecture.json"), ("model.safetensors",)])
def test_resume_mends_what_is_missing_of_the_best_network(finished, tmp_path, lost) -> None:
    run = shutil.copytree(finished[0], tmp_path / "run")
    best = finished[0] / "best"
    for name in lost:
        (run / "best" / name).unlink()
    os.truncate(run / "best" / "model.pt2", 20)
    again = analognas("resume", run)
    assert again.returncode == 0, again.stderr
    assert f"best: missing or damaged: {', '.join(sorted([*lost, 'model.pt2']))}" in again.stderr
    assert ("training the best candidate" in again.stderr) == ("model.safetensors" in lost)
    assert {path.name for path in (run / "best").iterdir()} == BEST
    for name in ("architecture.json", "analog.json", "model.py", "metrics.json"):
        assert (run / "best" / name).read_bytes() == (best / name).read_bytes(), name
    weights = load_file(best / "model.safetensors")
    for name, tensor in load_file(run / "best" / "model.safetensors").items():
        assert torch.equal(tensor, weights[name]), name
    torch.export.load(run / "best" / "model.pt2")
    assert "missing or damaged" not in analognas("resume", run).stderr


@pytest.mark.parametrize("damage", [shutil.rmtree, lambda folder: os.truncate(folder / "manifest.json", 20)])
def test_resume_fits_the_surrogate_again_where_its_folder_is_damaged(finished, tmp_path, damage) -> None:
    run = shutil.copytree(finished[0], tmp_path / "run")
    damage(run / "surrogate")
    again = analognas("resume", run)
    assert again.returncode == 0, again.stderr
    assert f"{run / 'surrogate'}: missing or damaged: " in again.stderr
    assert contents(run / "surrogate") == contents(finished[0] / "surrogate")
    assert contents(run / "best") == contents(finished[0] / "best")
    assert "missing or damaged" not in analognas("resume", run).stderr


@pytest.mark.parametrize(("value", "told"), [(math.nan, "must be finite"), (1e38, "got NaN or infinity at ")])
@pytest.mark.parametrize("command", ["export", "resume"])
def test_damaged_weights_without_checksums_are_told_in_a_line(
    finished, tmp_path, command, value, told
) -> None:
    run = shutil.copytree(finished[0], tmp_path / "run")
    (run / "best" / "SHA256SUMS").unlink()
    weights = run / "best" / "model.safetensors"
    state = load_file(weights)
    next(tensor for name, tensor in state.items() if tensor.ndim == 4).view(-1)[0] = value
    with safe_open(weights, framework="pt") as file:
        save_file(state, weights, file.metadata())
    out = tmp_path / "out"
    refused = analognas(command, run, *(["--out", out] if command == "export" else []))
    assert refused.returncode == 2, refused.stderr
    last = refused.stderr.splitlines()[-1]
    assert last.startswith(f"{weights}: ")
    assert told in last
    assert "Traceback" not in refused.stderr
    assert not out.exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_status_and_report_can_be_asked_for_at_any_time(finished) -> None:
    run, _ = finished
    status = json.loads(analognas_process("status", run, "--json").stdout)
    assert (status["state"], status["finished"], status["trials"]) == ("finished", 8, 8)
    for name in ("report.html", "summary.csv", "pareto.csv"):
        (run / name).unlink()
    assert analognas("status", run).stdout.startswith("not finished")
    assert analognas_process("report", run).returncode == 0
    assert 20_000 < (run / "report.html").stat().st_size < 2_000_000
    assert len((run / "summary.csv").read_text().splitlines()) == 9


def test_validation_on_the_same_hardware_repeats_the_run_and_other_hardware_differs(finished) -> None:
    run, _ = finished
    metrics = json.loads((run / "best" / "metrics.json").read_text())["network"]
    same = json.loads(analognas_process("validate", run, "--times", "1 s,1 day,1 month", "--json").stdout)
    assert same["accuracy"] == metrics["curves"]["test"]["accuracy"]
    assert same["digital_accuracy"] == metrics["digital_accuracy"]["test"]
    other = analognas(
        "validate",
        run / "best" / "architecture.json",
        "--hardware",
        "floating-point",
        "--times",
        "10 years",
        "--json",
    )
    assert json.loads(other.stdout)["mean"] == pytest.approx([metrics["digital_accuracy"]["test"]], abs=0.003)


def test_without_compensation_drift_costs_more(finished, tmp_path) -> None:
    run, _ = finished
    means = {}
    for kind in ("global", "none"):
        hardware = tmp_path / f"{kind}.yaml"
        hardware.write_text(f"preset: pcm-analognas\ncompensation: {{kind: {kind}}}\n")
        done = analognas(
            "validate", run, "--hardware", hardware, "--times", "1 s,1 year", "--chips", "8", "--json"
        )
        assert done.returncode == 0, done.stderr
        content = json.loads(done.stdout)
        means[kind] = content["mean"]
        assert len({tuple(column) for column in zip(*content["accuracy"], strict=True)}) > 1, (
            "all chips are alike"
        )
    loss = {kind: mean[0] - mean[1] for kind, mean in means.items()}
    assert loss["none"] > 0.02
    assert loss["none"] > loss["global"] + 0.01


def test_a_validation_stops_once_it_knows_enough_and_adapts_batch_norm(finished) -> None:
    run, _ = finished
    command = ("validate", run, "--times", "1 year", "--chips", "8", "--json")
    accuracy = {
        option: json.loads(analognas(*command, *option).stdout)["accuracy"][0]
        for option in ((), ("--confidence", "100"), ("--adabs",))
    }
    assert len(accuracy[()]) == 8
    assert accuracy["--confidence", "100"] == accuracy[()][:3]
    assert accuracy["--adabs",] != accuracy[()]


def test_times_that_a_device_does_not_cover_are_told_with_the_file_that_the_user_gave(
    finished, tmp_path
) -> None:
    chip = tmp_path / "my-chip.yaml"
    device = "{kind: polynomial, g_max_us: 25, programming_us: [0.1], latest_s: 1e8}"
    chip.write_text(f"preset: pcm-rasch2023\ndevice: {device}\n")
    done = analognas("validate", finished[0], "--hardware", chip, "--times", "10 years")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"{chip}: `0 <= t_s <= 1e+08` must hold (the device's `latest_s`)")
    with pytest.raises(UserError, match=rf"^{chip}: "):
        Run.open(finished[0]).validate(str(chip), times_s=["10 years"])


def test_an_architecture_without_weights_is_trained_first(finished, tmp_path) -> None:
    run, _ = finished
    (tmp_path / "architecture.json").write_text((run / "best" / "architecture.json").read_text())
    done = analognas("validate", tmp_path / "architecture.json", "--times", "1 s,1 day,1 month", "--json")
    assert "training it at full budget" in done.stderr
    metrics = json.loads((run / "best" / "metrics.json").read_text())["network"]
    assert json.loads(done.stdout)["accuracy"] == metrics["curves"]["test"]["accuracy"]


def test_a_run_is_a_table_for_the_benchmark(finished) -> None:
    run, _ = finished
    done = analognas_process(
        *("bench", "--table", run, "--target", "accuracy_1d"),
        *("--strategies", "random", "--budget", "8", "--seeds", "2", "--json"),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["rows"] == 8
    assert result["strategies"][0]["regret"]["8"]["mean"] == 0  # every row was looked at
    done = analognas("bench", "--table", run, "--target", "speed", "--strategies", "random")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "there is no metric 'speed'" in done.stderr


def test_python_validates_exports_and_reports_a_run(finished, tmp_path) -> None:
    run = Run.open(finished[0])
    again = run.validate()
    assert again.hardware == "pcm-analognas with tile.rows 128, tile.columns 64"
    assert list(again.curve.times_s) == [1.0, 3600.0, 86_400.0, 2_592_000.0, 31_536_000.0]
    assert run.validate("ideal-8bit", times_s=["1 day", 1], chips=2).curve.times_s == (1.0, 86_400.0)
    for wrong in (
        {"chips": 1},
        {"chips": "a"},
        {"times_s": []},
        {"times_s": "1 day"},
        {"times_s": ["soon"]},
        {"confidence": "a"},
    ):
        with pytest.raises(UserError):
            run.validate(**wrong)
    assert [path.name for path in run.export(tmp_path, ["onnx"])] == ["model.onnx"]
    with pytest.raises(UserError, match="exists already"):
        run.export(tmp_path, ["onnx"])
    with pytest.raises(UserError, match="tflite"):
        run.export(tmp_path, ["tflite"])
    assert run.report() == finished[0] / "report.html"
    assert "% after 1 day" in repr(run.best)
    assert "\n" not in repr(run.best)
