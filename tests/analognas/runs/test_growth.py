"""Runs that grow, and searches that are ended early: on the command line and in Python."""

import shutil
from pathlib import Path

import pytest

import analognas
from analognas.config.loader import load_run_config
from analognas.errors import UserError
from analognas.progress.observer import Silent
from tests.analognas.runs.test_earlier_run import WRITTEN
from tests.analognas.small_search import SMALL, write_small
from tests.analognas.small_search import analognas as command_line

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("growth")
    changes = ["search.trials=5", "references=[]"]
    analognas.search(write_small(folder), out=folder / "run", overrides=changes, observer=Silent())
    return folder / "run"


@pytest.fixture
def run(finished, tmp_path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def interrupted(tmp_path) -> Path:
    """A run of eight trials after six, two of a batch of which one waits."""
    path = shutil.copytree(WRITTEN, tmp_path / "run")
    shutil.rmtree(path / "best")
    trials = path / "trials.jsonl"
    trials.write_text("".join(trials.read_text().splitlines(keepends=True)[:7]))
    return path


def n_trials(run: Path) -> int:
    return (run / "trials.jsonl").read_bytes().count(b"\n")


def test_a_run_that_has_ended_goes_on_with_more_trials(run) -> None:
    before, network = (run / "trials.jsonl").read_bytes(), (run / "best" / "metrics.json").read_bytes()
    done = command_line("resume", run, "--set", "search.trials=7")
    assert done.returncode == 0, done.stderr
    assert (run / "trials.jsonl").read_bytes().startswith(before)
    assert n_trials(run) == 7
    assert (run / "best-after-5-trials" / "metrics.json").read_bytes() == network
    grown = analognas.Run.open(run)
    assert grown.status()["state"] == "finished"
    assert grown.config.search.trials == 7
    again = command_line("resume", run)
    assert again.returncode == 0
    assert "the run has ended already" in again.stderr


def test_fewer_trials_than_there_are_is_refused_and_nothing_changes(run) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    done = command_line("resume", run, "--set", "search.trials=4", "--set", "search.strategy.initial=4")
    assert done.returncode == 2
    with pytest.raises(UserError, match=r"search\.strategy\.initial <= search\.trials"):
        analognas.resume(run, trials=4, observer=Silent())
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_fewer_trials_than_planned_leave_waiting_candidates_out(interrupted) -> None:
    run = analognas.resume(interrupted, trials=7, observer=Silent())
    assert n_trials(interrupted) == 7
    assert run.status()["state"] == "finished"
    with pytest.raises(
        UserError, match=r"must be at least the 7 trials that .* has, got 6; `analognas finish"
    ):
        analognas.resume(interrupted, trials=6, observer=Silent())


def test_a_search_is_ended_with_the_trials_that_it_has_and_reopened(interrupted) -> None:
    done = command_line("finish", interrupted)
    assert done.returncode == 0, done.stderr
    assert "the search was ended by `analognas finish` after 7 trials" in done.stderr
    assert n_trials(interrupted) == 7
    assert analognas.Run.open(interrupted).best.network() is not None
    assert command_line("finish", interrupted).returncode == 0
    analognas.resume(interrupted, trials=8, observer=Silent())
    assert n_trials(interrupted) == 8
    assert (interrupted / "best-after-7-trials").is_dir()
    assert not (interrupted / "search_end.json").exists()


def test_a_search_without_a_completed_trial_cannot_be_finished(interrupted) -> None:
    (interrupted / "trials.jsonl").write_text("")
    done = command_line("finish", interrupted)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no trial has completed at full budget" in done.stderr
    assert not (interrupted / "search_end.json").exists()


def test_a_damaged_end_is_told_with_its_remedy(interrupted) -> None:
    (interrupted / "search_end.json").write_text("{}")
    done = command_line("resume", interrupted)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "search_end.json: reason: Field required; remove it" in done.stderr
    assert load_run_config(interrupted / "config.yaml")[0].search.trials == 8


def test_a_run_without_a_final_training_ends_with_its_trials_and_trains_one_later(tmp_path) -> None:
    text = SMALL.replace("trials: 8", "trials: 5").replace(
        "final: {digital_epochs: 3, hardware_aware_epochs: 1, chips: 3}", "final: none\nreferences: []"
    )
    run = tmp_path / "run"
    done = command_line("search", write_small(tmp_path, text), "--out", run)
    assert done.returncode == 0, done.stderr
    assert "no network was trained (`final: none`): analognas export" in done.stdout
    assert "full budget" not in done.stderr
    opened = analognas.Run.open(run)
    assert opened.status()["state"] == "finished"
    assert (run / "report.html").exists()
    assert not (run / "best").exists()
    with pytest.raises(ValueError, match=r"it trains none \(`final: none`\)"):
        opened.best  # noqa: B018  # it raises
    again = command_line("resume", run)
    assert again.returncode == 0, again.stderr
    assert n_trials(run) == 5
    later = command_line("resume", run, "--set", "final.train=true", "--set", "final.chips=25", "--json")
    assert later.returncode == 0, later.stderr
    assert analognas.Run.open(run).best.network() is not None
