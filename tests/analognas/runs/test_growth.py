"""Runs that grow, and searches that are ended early: on the command line and in Python."""

import shutil
from pathlib import Path

import pytest

import analognas
from analognas.config.loader import load_run_config
from analognas.errors import UserError
from analognas.progress.observer import Silent
from analognas.record.directory import RunDirectory, open_run
from analognas.runs.growth import set_ends
from tests.analognas.runs.test_earlier_run import WRITTEN
from tests.analognas.small_search import TINY, analognas_process, write_small
from tests.analognas.small_search import analognas as command_line

pytestmark = pytest.mark.slow

TRAINED = "final: {digital_epochs: 1, hardware_aware_epochs: 1, chips: 2, formats: []}"
assert TRAINED in TINY


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("growth")
    analognas.search(write_small(folder, TINY), out=folder / "run", observer=Silent())
    return folder / "run"


@pytest.fixture
def run(finished, tmp_path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def interrupted(tmp_path) -> Path:
    """A run of eight trials after seven, of the last batch of which one waits."""
    path = shutil.copytree(WRITTEN, tmp_path / "run")
    shutil.rmtree(path / "best")
    config = (path / "config.yaml").read_text()
    (path / "config.yaml").write_text(
        config.replace("references: [resnet8]", "references: []").replace(
            "digital_epochs: 3", "digital_epochs: 1"
        )
    )
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
    done = command_line("resume", run, "--set", "search.trials=4", "--set", "search.strategy.initial=3")
    assert done.returncode == 2
    with pytest.raises(UserError, match=r"search\.strategy\.initial <= search\.trials"):
        analognas.resume(run, trials=3, observer=Silent())
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
    done = analognas_process("finish", interrupted)
    assert done.returncode == 0, done.stderr
    assert "the search was ended by `analognas finish` after 7 trials" in done.stderr
    assert (
        "the search was ended by `analognas finish` after 7 trials\n"
        in command_line("status", interrupted).stdout
    )
    page = (interrupted / "report.html").read_text(encoding="utf-8")
    said = "The search was ended by <code>analognas finish</code> after 7 trials; the command makes all 8 of them"
    assert page.count(said) == 1
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
    told = done.stderr.splitlines()
    assert (done.returncode, [line for line in told if "not the packages" not in line]) == (2, told[-1:])
    assert "search_end.json: reason: Field required; remove it" in done.stderr
    assert load_run_config(RunDirectory(interrupted))[0].search.trials == 8


def test_a_run_without_a_final_training_ends_with_its_trials_and_trains_one_later(tmp_path) -> None:
    text = TINY.replace(TRAINED, TRAINED.replace("{", "{train: false, "))
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
    ended = (run / "search_end.json").read_bytes()
    for command in ("resume", "finish"):
        again = command_line(command, run)
        assert again.returncode == 0, again.stderr
        assert n_trials(run) == 5
        assert (run / "search_end.json").read_bytes() == ended, "what had ended the search stays"
        assert "the search was ended by" not in command_line("status", run).stdout
    later = command_line("resume", run, "--set", "final.train=true", "--set", "final.chips=3", "--json")
    assert later.returncode == 0, later.stderr
    assert opened.best.network() is not None
    assert len(opened.best.validated.curves["test"].accuracy[0]) == opened.config.final.chips == 3
    other = command_line("resume", run, "--set", "final.chips=4")
    assert (other.returncode, other.stderr.splitlines()[1]) == (2, "final.chips: 3 in the run, now 4")


def test_a_run_that_has_ended_and_may_go_on_no_longer_keeps_its_network(run) -> None:
    changes = ("--set", "search.patience=2", "--set", "search.trials=5")
    done = command_line("resume", run, *changes)
    assert done.returncode == 0, done.stderr
    assert "the run has ended already" in done.stderr
    assert not (run / "best-after-5-trials").exists()
    assert analognas.Run.open(run).config.search.patience == 2


def test_a_network_that_was_kept_after_as_many_trials_stays(run) -> None:
    kept = run / "best-after-6-trials"
    for folder in (kept, run / "best-after-6-trials-2"):
        folder.mkdir()
        (folder / "metrics.json").touch()
    (run / "trials.jsonl").write_text(
        "".join((WRITTEN / "trials.jsonl").read_text().splitlines(keepends=True)[:6])
    )
    directory = open_run(run)
    config, _ = load_run_config(directory, ["search.trials=7"])
    set_ends(directory, config, reopen=True)
    assert (run / "best-after-6-trials-3" / "model.safetensors").exists()
    assert not (run / "best").exists()


def test_a_training_that_is_asked_for_later_does_not_reopen_a_search_that_was_finished(tmp_path) -> None:
    run = shutil.copytree(WRITTEN, tmp_path / "run")
    shutil.rmtree(run / "best")
    config = (run / "config.yaml").read_text().replace("references: [resnet8]", "references: []")
    (run / "config.yaml").write_text(config.replace("final: {", "final: {train: false, ", 1))
    trials = run / "trials.jsonl"
    trials.write_text("".join(trials.read_text().splitlines(keepends=True)[:6]))
    assert command_line("finish", run).returncode == 0
    for command in (("validate",), ("export", "--format", "onnx", "--out", tmp_path / "out")):
        refused = command_line(command[0], run, *command[1:])
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert (
            "trains no network at its end (`final: none`); take a trial further with --trial"
            in refused.stderr
        )
    done = command_line("resume", run, "--set", "final.train=true")
    assert done.returncode == 0, done.stderr
    assert "the search was ended by `analognas finish` after 6 trials" in done.stderr
    assert n_trials(run) == 6
    assert (run / "best" / "model.safetensors").exists()


def test_a_final_training_that_fails_names_its_trial_and_what_helps(interrupted) -> None:
    limit = "executor={kind: processes, workers: 1, trial_timeout: 0.01}"
    assert command_line("resume", interrupted, "--set", limit).returncode != 0
    trials = analognas.Run.open(interrupted).directory.trials()
    assert len(trials) == 8
    done = command_line("resume", interrupted, "--set", limit)
    assert (done.returncode, done.stderr.splitlines()[-1].count("the training at full budget failed")) == (
        2,
        1,
    )
    last = done.stderr.splitlines()[-1]
    assert last.startswith("trial ")
    assert "raise the limit in `executor`" in last
    assert not (interrupted / "best").exists()


def test_without_a_completed_trial_a_run_without_a_final_training_has_found_nothing(tmp_path) -> None:
    text = TINY.replace("{epochs: 1}", "{epochs: 1, learning_rate: 1.0e+30}").replace(TRAINED, "final: none")
    done = command_line("search", write_small(tmp_path, text), "--out", tmp_path / "run")
    assert done.returncode == 3, done.stderr
    assert "all 5 trials failed" in done.stderr
    assert (tmp_path / "run" / "report.html").exists()
    finish = command_line("finish", tmp_path / "run")
    assert (finish.returncode, finish.stderr.count("\n")) == (2, 1)
    assert "all 5 trials failed, the last one: " in finish.stderr
    assert "mend the cause, and start a new search" in finish.stderr
    assert "resume" not in finish.stderr


def test_a_run_may_be_continued_without_its_final_training(interrupted) -> None:
    done = command_line("resume", interrupted, "--set", "final=none")
    assert done.returncode == 0, done.stderr
    assert "the search was ended" not in done.stderr, "it had all its trials"
    assert "ended" not in command_line("status", interrupted).stdout
    kept = analognas.Run.open(interrupted).config.final
    assert (kept.train, kept.digital_epochs) == (False, 1)
