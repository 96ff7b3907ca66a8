"""A search for a character language model, from a text to its report and its exports."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import hwsim
from analognas import Run, Search
from analognas.errors import UserError
from analognas.metrics import headline
from tests.analognas.small_search import analognas

pytestmark = pytest.mark.slow

TEXT = """\
name: text
seed: 1
task: {kind: char-lm, path: book.txt, length: 24, max_train: 64, max_validation: 16, max_test: 16}
space: {kind: sequence, types: L, entry_width: [16, 16], width: [16, 32], blocks: 2}
hardware: {preset: pcm-analognas, tile: {rows: 128, columns: 128}}
constraints: {tiles: 6, avm: 0.2}
objective: bits_1d
references: []
training:
  digital: {epochs: 6, batch_size: 16, learning_rate: 0.02, clip_gradient: 5}
  hardware_aware:
    epochs: 2
    batch_size: 16
    clip_gradient: 5
    distillation: {temperature: 4, teacher_share: 0.5}
evaluation: {chips: 2, times: [1 s, 1 day, 1 month]}
search: {trials: 6, batch: 2, strategy: {kind: surrogate-guided, initial: 4, population: 20, iterations: 2}}
final: {digital_epochs: 6, hardware_aware_epochs: 2, chips: 3, finalists: 2}
executor: {kind: serial, threads: 1}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    (folder / "book.txt").write_text(
        "".join(f"{number} times {number} makes {number * number}.\n" for number in range(400)), "utf-8"
    )
    (folder / "text.yaml").write_text(TEXT)
    done = analognas("search", folder / "text.yaml", "--out", folder / "run")
    assert done.returncode == 0, done.stderr
    assert "bits after 1 day" in done.stdout
    assert "bits per character after 1 day, 1-day accuracy" in done.stderr + done.stdout
    return folder / "run"


def test_bits_are_those_of_the_chips(run: Path) -> None:
    for trial in Run.open(run).directory.trials():
        assert trial.curve is not None
        assert trial.curve.bits is not None
        at_a_day = trial.curve.bits[trial.curve.times_s.index(86_400.0)]
        assert trial.metrics["bits_1d"] == pytest.approx(float(np.mean(at_a_day)))
        # what was learned is worth something: chance is the logarithm of the symbols
        assert 0 < trial.metrics["digital_bits"] < trial.metrics["bits_1d"] + 0.1 < math.log2(20) + 0.1


def test_the_best_has_least_bits(run: Path) -> None:
    found = Run.open(run)
    trials = found.trials()
    assert found.best.metrics["bits_1d"] < math.log2(20)
    raced = [finalist.trial for finalist in found.directory.final_result().finalists]
    order = trials.sort_values("bits_1d")["number"].tolist()
    assert order[0] in raced


def test_trials_repeat_bit_for_bit(run: Path) -> None:
    done = analognas("replay", run, "--evaluate")
    assert done.returncode == 0, done.stdout + done.stderr


def test_report_and_status_speak_of_bits(run: Path) -> None:
    page = (run / "report.html").read_text()
    assert "1-day bits per character" in page
    assert "Bits per character over time since programming" in page
    assert "bits per character" in analognas("status", run).stdout
    metrics = Run.open(run).best.metrics
    assert headline(metrics).startswith(f"{metrics['bits_1d']:.3f} bits per character")


def test_the_network_is_exported_and_measured_again(run: Path, tmp_path: Path) -> None:
    for name in ("model.py", "onnx", "conductances"):
        done = analognas("export", run, "--format", name, "--out", tmp_path / "out")
        assert done.returncode == 0, done.stderr
    source = next((tmp_path / "out").rglob("model.py")).read_text()
    assert "predicts the next of" in source and "(batch, CLASSES, steps)" in source
    assert "classifier" not in source
    done = analognas("validate", run, "--chips", "2", "--times", "1 s", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["digital_bits"] == pytest.approx(Run.open(run).best.metrics["digital_bits"])
    assert np.mean(found["bits"]) == pytest.approx(Run.open(run).best.metrics["bits_1s"], abs=0.2)
    done = analognas("validate", run, "--chips", "2", "--times", "1 s")
    assert "bits per character" in done.stdout.splitlines()[2]


def test_a_curve_of_accuracies_is_not_enough(run: Path) -> None:
    search = Search(run.parent / "text.yaml")
    (candidate,) = search.ask(1)
    curve = hwsim.DriftCurve((1.0, 86_400.0, 2_592_000.0), np.full((3, 2), 0.3))
    with pytest.raises(UserError, match="a curve of accuracies has no `bits_1d`"):
        search.tell(candidate, curve)
    search.tell(candidate, search.problem.evaluate(candidate))
    assert search.trials()["bits_1d"].notna().all()


def test_final_trainings_have_no_clipping_of_their_own(run: Path) -> None:
    text = (run.parent / "text.yaml").read_text().replace("final: {", "final: {clip_gradient: 5, ")
    (run.parent / "bad.yaml").write_text(text)
    done = analognas("search", run.parent / "bad.yaml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "clip_gradient" in done.stderr


def test_formats_of_a_text_and_what_onnx_lacks(tmp_path_factory: pytest.TempPathFactory, run: Path) -> None:
    folder = tmp_path_factory.mktemp("projected")
    text = (run.parent / "text.yaml").read_text().replace("blocks: 2", "blocks: 1, projections: [1, 2]")
    text = text.replace("path: book.txt", f"path: {run.parent / 'book.txt'}").replace(
        "trials: 6", "trials: 2"
    )
    text = text.replace(
        "{kind: surrogate-guided, initial: 4, population: 20, iterations: 2}", "{kind: random}"
    )
    projected = {
        "entry": {"width": 16},
        "blocks": [{"type": "lstm", "hidden": 16, "projection": 2, "skip": False}],
    }
    others = [{**projected, "blocks": [{**projected["blocks"][0], "hidden": 32}]}]
    text = text.replace("search: {", f"search: {{start_from: {json.dumps([projected, *others])}, ")
    (folder / "text.yaml").write_text(text)
    done = analognas("search", folder / "text.yaml", "--out", folder / "run")
    assert done.returncode == 0, done.stderr
    assert "format onnx is missing: ONNX has no LSTM with a projection" in done.stderr + done.stdout
    assert (folder / "run" / "best" / "model.py").exists()
    for name in ("test-data", "onnx-int8"):
        done = analognas("export", run, "--format", name, "--out", folder / "out")
        assert done.returncode == 0, done.stderr
    figures = json.loads((folder / "out" / "model-int8.json").read_text())
    assert 0 < figures["test_accuracy"] <= 1
    shown = analognas("watch", run).stdout
    assert "bits to" in shown
    assert "% to" not in shown
