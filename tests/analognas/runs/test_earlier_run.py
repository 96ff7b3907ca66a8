"""A run directory written before the modules moved (`analognas.run`, `analognas.driver`) opens, resumes, reports."""

import json
import shutil
from pathlib import Path

import pytest

import analognas
from analognas.progress.observer import Silent

WRITTEN = Path(__file__).parent / "earlier_run"


@pytest.fixture
def finished(tmp_path) -> Path:
    """The run as it ended, without the weights and the models of `best/`: they are no text."""
    return shutil.copytree(WRITTEN, tmp_path / "run")


@pytest.fixture
def interrupted(finished) -> Path:
    """The run as it was after six of its eight trials."""
    shutil.rmtree(finished / "best")
    trials = finished / "trials.jsonl"
    trials.write_text("".join(trials.read_text().splitlines(keepends=True)[:6]))
    return finished


def test_it_opens_and_reports(finished) -> None:
    run = analognas.Run.open(finished)
    written = json.loads((WRITTEN / "best" / "metrics.json").read_text())
    assert run.result is not None
    assert dict(run.result.network.metrics) == written["network"]["metrics"]
    assert len(run.trials()) == 8
    assert run.status()["best"]["number"] == run.result.trial
    assert run.report().exists()


@pytest.mark.slow
def test_an_interrupted_one_is_resumed_and_exported(interrupted) -> None:
    before = (interrupted / "trials.jsonl").read_bytes()
    assert analognas.Run.open(interrupted).status()["finished"] == 6
    run = analognas.resume(interrupted, observer=Silent())
    after = (interrupted / "trials.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == 8
    assert run.status()["state"] == "finished"
    assert {
        path.name for path in run.export(interrupted / "taken", ["python", "safetensors", "architecture"])
    }
    assert run.best.network() is not None
