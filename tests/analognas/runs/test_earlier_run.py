"""A run directory written before the modules moved (`analognas.run`, `analognas.driver`) opens, resumes, reports."""

import json
import shutil
from pathlib import Path

import pytest

import analognas
from analognas.progress.observer import Silent
from tests.analognas.small_search import analognas as command_line

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


def test_a_replay_that_differs_says_that_other_code_made_the_run(finished) -> None:
    trials = finished / "trials.jsonl"
    trials.write_text(trials.read_text().replace('"origin":"filling-design"', '"origin":"latin-hypercube"'))
    done = command_line("replay", finished)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "this run was made by another version of the code of analognas" in done.stderr
