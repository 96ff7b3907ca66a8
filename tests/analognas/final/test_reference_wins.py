"""A search whose space has nothing to offer: the reference is exported, and everything a user does with it works."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from analognas import Run
from analognas.tasks.digits import load_digits
from tests.analognas.small_search import COMPLETE, analognas, write_small

pytestmark = pytest.mark.slow

USELESS = (
    COMPLETE.replace("oc0: [8, 12], m: [1, 2]", "ct: B, oc0: [1, 2], m: [1, 1]")
    .replace("b: [1, 2], wf: [1, 2]", "b: [1, 1], wf: [1, 1]")
    .replace("constraints: {parameters: 20000}", "references: [ds-cnn, resnet8]")
    .replace("trials: 8", "trials: 2")
    .replace("{kind: surrogate-guided, initial: 5, population: 20, iterations: 2}", "{kind: random}")
)
SENTENCE = "the reference resnet8 was best on validation and is exported: "
FORMATS = ("python", "safetensors", "onnx", "pt2", "analog", "architecture", "test-data")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("reference")
    done = analognas("search", write_small(folder, USELESS), "--out", folder / "run", "--json")
    assert done.returncode == 0, done.stderr
    return folder / "run", done


def test_it_is_said_at_every_place(finished) -> None:
    run, done = finished
    content = json.loads(done.stdout)
    assert (content["best_trial"], content["best_network"]) == (None, "resnet8")
    assert [network["name"] for network in content["networks"]] == ["resnet8", "ds-cnn", "runner-up"]
    own, compared = content["comparisons"]
    assert own.startswith(
        f"trial {content['runner_up']}, the best of the search, is behind resnet8 on the test split: "
    )
    assert "ds-cnn" in compared
    assert "training the reference resnet8 at full budget, as finalist 3 of 3" in done.stderr
    assert (
        done.stderr.count("validating the reference resnet8, the best on validation, on the test split") == 1
    )
    told = analognas("resume", run).stdout.splitlines()
    assert told[1].startswith("best: resnet8  ")
    assert told[2].startswith("ds-cnn  ")
    assert told[3].startswith(f"trial {content['runner_up']}  ")
    assert own in told
    assert f"{SENTENCE}{run / 'best'}" in told
    page = (run / "report.html").read_text(encoding="utf-8")
    for text in (
        "the best is the reference resnet8, which no trial surpassed on validation",
        "name=resnet8",
        ">chosen</td>",
    ):
        assert page.count(text) == 1, text


def test_its_final_training_is_the_network_and_one_of_the_references(finished) -> None:
    result = Run.open(finished[0]).result
    assert result is not None
    assert (result.trial, result.reference) == (None, "resnet8")
    assert [network.name for network in result.references] == ["ds-cnn", "resnet8"]
    assert result.references[1] == result.network
    assert [finalist.reference for finalist in result.finalists] == ["", "ds-cnn", "resnet8"]
    assert result.winner is not None
    assert result.winner.metrics["accuracy_1d"] == max(
        finalist.metrics["accuracy_1d"] for finalist in result.finalists
    )
    assert result.network.metrics["parameters"] == 77_898
    assert result.runner_up is not None
    assert (
        result.runner_up.trial
        == max(
            (finalist for finalist in result.finalists if finalist.trial),
            key=lambda one: one.metrics["accuracy_1d"],
        ).trial
    )
    assert len(result.runner_up.trainings) == 1
    assert result.further == ()


def test_python_and_status_know_it(finished) -> None:
    run = Run.open(finished[0])
    assert run.best.architecture == {"name": "resnet8"}
    assert run.best.genotype is None
    assert run.best.metrics["parameters"] == sum(p.numel() for p in run.best.network().parameters())
    assert "the reference resnet8, " in repr(run)
    status = json.loads(analognas("status", run.path, "--json").stdout)["best"]
    assert (status["number"], status["reference"]) == (None, "resnet8")
    assert run.result is not None
    assert run.result.winner is not None
    assert status["metrics"] == run.result.winner.metrics
    assert "best, the reference resnet8: 1-day accuracy " in analognas("status", run.path).stdout


def test_every_exported_network_gives_the_same_logits(finished, tmp_path) -> None:
    run, _ = finished
    task = load_digits()
    raw = task.test.x[:5]
    with torch.inference_mode():
        expected = Run.open(run).best.network()(task.standardise(raw)).numpy()
        from_program = torch.export.load(run / "best" / "model.pt2").module()(raw).numpy()
    session = onnxruntime.InferenceSession(run / "best" / "model.onnx", providers=["CPUExecutionProvider"])
    (from_onnx,) = session.run(None, {session.get_inputs()[0].name: raw.numpy()})
    np.testing.assert_allclose(from_onnx, expected, atol=1e-4)
    np.testing.assert_allclose(from_program, expected, atol=1e-4)
    written = Run.open(run).export(tmp_path, FORMATS)
    for path in written:
        before = run / "best" / path.name
        if path.suffix in {".py", ".json"}:
            assert path.read_bytes() == before.read_bytes(), path.name
    assert "the published network resnet8, trained by analognas" in (tmp_path / "model.py").read_text()
    assert json.loads((tmp_path / "architecture.json").read_text())["genotype"] is None


def test_validation_repeats_the_run_with_and_without_weights(finished, tmp_path) -> None:
    run, _ = finished
    metrics = json.loads((run / "best" / "metrics.json").read_text())["network"]
    shutil.copy(run / "best" / "architecture.json", tmp_path)
    for path in (run, tmp_path / "architecture.json"):
        done = analognas("validate", path, "--times", "1 s,1 day,1 month", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["accuracy"] == metrics["curves"]["test"]["accuracy"]
    assert "training it at full budget" in done.stderr


@pytest.mark.parametrize("lost", [("model.onnx", "architecture.json"), ("model.safetensors",)])
def test_resume_mends_what_is_missing(finished, tmp_path, lost) -> None:
    run = shutil.copytree(finished[0], tmp_path / "run")
    best = finished[0] / "best"
    for name in lost:
        (run / "best" / name).unlink()
    again = analognas("resume", run)
    assert again.returncode == 0, again.stderr
    assert ("training the reference" in again.stderr) == ("model.safetensors" in lost)
    for name in ("architecture.json", "analog.json", "model.py", "metrics.json"):
        assert (run / "best" / name).read_bytes() == (best / name).read_bytes(), name
    weights = load_file(best / "model.safetensors")
    for name, tensor in load_file(run / "best" / "model.safetensors").items():
        assert torch.equal(tensor, weights[name]), name
    assert "missing or damaged" not in analognas("resume", run).stderr


def test_the_report_of_a_run_with_several_objectives_marks_no_trial(finished, tmp_path) -> None:
    run = shutil.copytree(finished[0], tmp_path / "run")
    config = run / "config.yaml"
    config.write_text(
        config.read_text().replace("further_objectives: []", "further_objectives: [parameters]")
    )
    again = analognas("report", run)
    assert again.returncode == 0, again.stderr
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Pareto front</h2>" in page
    assert "the arrow marks" not in page


def test_an_architecture_that_names_no_published_network_is_told_in_a_line(finished, tmp_path) -> None:
    content = json.loads((finished[0] / "best" / "architecture.json").read_text())
    for architecture in ({"name": "resnet9"}, {}, {"name": None}):
        path = tmp_path / "architecture.json"
        path.write_text(json.dumps({**content, "architecture": architecture}))
        done = analognas("validate", path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert done.stderr.startswith(f"{path}: `name` must be one of resnet8, ")
