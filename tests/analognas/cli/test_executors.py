"""Executors on the command line: `--executor`, `--resume auto`, continuing elsewhere, replay."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from analognas.cli.main import app
from analognas.config.loader import load_config
from analognas.record.journal import read_trials
from tests.analognas.small_search import SMALL, analognas, write_small

VALUES = ("references=[]", "search.trials=5", "training.digital.epochs=1", "final.digital_epochs=1")
QUICK = tuple(word for value in VALUES for word in ("--set", value))


def invoke(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_another_kind_keeps_the_values_that_fit(tmp_path) -> None:
    path = write_small(
        tmp_path, SMALL.replace("{kind: serial, threads: 1}", "{kind: processes, workers: 3, threads: 7}")
    )
    kept = load_config(path, (), "serial")[0].executor.model_dump()
    assert kept == {"kind": "serial", "threads": 7, "device": "cpu"}
    parsed, _ = load_config(path, ["executor.num_cpus=2"], "ray")
    assert (parsed.executor.kind, parsed.executor.threads, parsed.executor.num_cpus) == ("ray", 7, 2)
    wrong = invoke("search", path, "--executor", "threads")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("--executor threads: unknown kind 'threads'")


def test_executors_are_described() -> None:
    content = json.loads(invoke("describe", "executors", "--json").stdout)
    assert list(content) == ["serial", "processes", "ray"]
    assert "trial_timeout" in invoke("describe", "executors", "ray").stdout


def test_resume_auto_needs_a_directory(tmp_path) -> None:
    path = write_small(tmp_path)
    for arguments in (("--resume", "auto"), ("--resume", "always", "--out", tmp_path / "run")):
        done = invoke("search", path, *arguments)
        assert done.exit_code == 2
        assert done.stderr.startswith("--resume: must be never, or auto together with --out")


@pytest.mark.slow
def test_one_command_may_be_given_again_and_a_run_continues_elsewhere(tmp_path) -> None:
    path, run = write_small(tmp_path), tmp_path / "run"
    command = ("search", path, "--out", run, "--resume", "auto", "--json", *QUICK)
    processes = ("--executor", "processes", "--set", "executor.workers=2")
    first = analognas(*command, *processes)
    assert first.returncode == 0, first.stderr
    assert "2 running, 0 queued" in first.stderr
    trials = read_trials(run / "trials.jsonl")
    assert len({trial.genotype for trial in trials}) == 5
    assert {trial.threads for trial in trials} == {1}
    assert {trial.node for trial in trials} != {""}

    replayed = analognas("replay", run, "--evaluate")
    assert replayed.returncode == 0, replayed.stderr
    assert "5 trials, " in replayed.stdout
    assert "every proposal and every measurement is the same again" in replayed.stdout

    lines = (run / "trials.jsonl").read_text().splitlines(keepends=True)
    (run / "trials.jsonl").write_text("".join(lines[:3]))
    for file in (run / "best").iterdir():
        file.unlink()
    (run / "best").rmdir()
    again = analognas(*command)  # serial now
    assert again.returncode == 0, again.stderr
    continued = read_trials(run / "trials.jsonl")
    assert continued[:3] == trials[:3]
    assert len({trial.genotype for trial in continued}) == 5

    other = analognas(*command, "--set", "search.trials=6")
    assert other.returncode == 2
    assert (
        "this run began as another search:\nsearch.trials: 5 in the run, now 6\ncontinue it" in other.stderr
    )
    threads = analognas("resume", run, "--set", "executor.threads=2")
    assert threads.returncode == 2
    assert "\nexecutor.threads: 1 in the run, now 2\n" in threads.stderr
