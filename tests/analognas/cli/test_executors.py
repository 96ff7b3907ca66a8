"""Executors on the command line: `--executor`, `--resume auto`, continuing elsewhere, replay."""

import json
from contextlib import redirect_stderr
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from analognas.cli.main import app
from analognas.config.loader import dump_config, load_config
from analognas.progress.terminal import PlainObserver
from analognas.record.directory import create_run
from analognas.record.journal import Journal, read_trials
from analognas.record.trial import Failure
from tests.analognas.record.builders import a_trial
from tests.analognas.small_search import SMALL, TINY, analognas, write_small


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
    auto = load_config(path, (), "auto")[0].executor
    assert (auto.kind, auto.threads, auto.workers) == ("auto", 7, 3)
    wrong = invoke("search", path, "--executor", "threads")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("--executor threads: unknown kind 'threads'")


def test_executors_are_described() -> None:
    content = json.loads(invoke("describe", "executors", "--json").stdout)
    assert list(content) == ["auto", "serial", "processes", "ray"]
    assert "trial_timeout" in invoke("describe", "executors", "ray").stdout


def test_resume_auto_needs_a_directory(tmp_path) -> None:
    path = write_small(tmp_path)
    for arguments in (("--resume", "auto"), ("--resume", "always", "--out", tmp_path / "run")):
        done = invoke("search", path, *arguments)
        assert done.exit_code == 2
        assert done.stderr.startswith("--resume: must be never, or auto together with --out")


def test_status_reads_the_record_once(tmp_path, monkeypatch) -> None:
    run = create_run(tmp_path / "run", dump_config(load_config(write_small(tmp_path))[0]), {})
    with Journal(run.journal) as journal:
        journal.append(a_trial(1, failed=True))
    read: list[Path] = []
    monkeypatch.setattr(
        "analognas.record.directory.read_trials", lambda path: read.append(path) or read_trials(path)
    )
    assert "trial 1 failed: diverged" in invoke("status", run.path).stdout
    assert read == [run.journal]


def test_a_folder_in_the_place_of_a_report_is_named(tmp_path) -> None:
    run = create_run(tmp_path / "run", dump_config(load_config(write_small(tmp_path))[0]), {})
    run.report.mkdir()
    done = invoke("report", run.path)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{run.report}: cannot be written: Is a directory; the trials are safe")


def test_status_tells_the_speed_the_last_failures_and_a_torn_line(tmp_path) -> None:
    run = create_run(tmp_path / "run", dump_config(load_config(write_small(tmp_path))[0]), {})
    with Journal(run.journal) as journal:
        for number in range(1, 7):
            end = f"2026-01-01T00:00:0{number}.000+00:00"
            journal.append(a_trial(number, failed=number > 2, finished_at=end, node=f"node-{number % 2}"))
            trial = a_trial(number)
    run.logs.mkdir()
    (run.logs / trial.log).write_text("last words")
    told = invoke("status", run.path).stdout.splitlines()
    assert told[0] == "not finished: 6 of 8 trials, 4 failed, 60 trials/min, 2 nodes"
    assert told[1:4] == [
        "trial 4 failed: diverged",
        "trial 5 failed: diverged",
        f"trial 6 failed: diverged; log: {run.logs / trial.log}",
    ]
    content = json.loads(invoke("status", run.path, "--json").stdout)
    assert (content["trials_a_second"], content["time_left_s"], content["nodes"]) == (1.0, 2.0, 2)
    with Journal(run.journal):
        running = invoke("status", run.path).stdout.splitlines()
    assert running[0] == "running: 6 of 8 trials, 4 failed, 60 trials/min, 2 s left, 2 nodes"
    with run.journal.open("a") as file:
        file.write('{"number":7,"geno')
    torn = f"{run.journal}: the last line is torn (17 bytes); `analognas resume {run.path}` makes that trial again"
    assert invoke("status", run.path).stdout.splitlines()[1] == torn


def test_a_record_gives_the_terminal_no_orders(tmp_path) -> None:
    run = create_run(tmp_path / "run", dump_config(load_config(write_small(tmp_path))[0]), {})
    with Journal(run.journal) as journal:
        trial = a_trial(1, failed=True)
        journal.append(replace(trial, failure=Failure("\x1b[2J\x1b]0;mine\x07 gone", "")))
    told = invoke("status", run.path)
    assert "trial 1 failed: \ufffd[2J\ufffd]0;mine\ufffd gone" in told.stdout
    run.best.mkdir()
    run.metrics.write_text('{"\\u001b[2J": 1}')
    wrong = invoke("status", run.path)
    assert wrong.exit_code == 2
    assert "\x1b" not in told.stdout + wrong.stderr
    observer = PlainObserver()
    with redirect_stderr(StringIO()) as said:
        observer.stage("\x1b[2J")
        observer.trial(replace(a_trial(2), origin="\x1b[2J"), 2, None)
    assert said.getvalue().count("\ufffd") == 2
    assert "\x1b" not in said.getvalue()


@pytest.mark.slow
def test_one_command_may_be_given_again_and_a_run_continues_elsewhere(tmp_path) -> None:
    path, run = write_small(tmp_path, TINY), tmp_path / "run"
    command = ("search", path, "--out", run, "--resume", "auto", "--json")
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

    other = analognas(*command, "--set", "search.batch=3")
    assert other.returncode == 2
    assert "this run began as another search:\nsearch.batch: 2 in the run, now 3\ncontinue it" in other.stderr
    threads = analognas("resume", run, "--set", "executor.threads=2")
    assert threads.returncode == 2
    assert "\nexecutor.threads: 1 in the run, now 2\n" in threads.stderr
