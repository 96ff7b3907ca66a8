"""Equal seeds, and runs that are killed."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from analognas.record.journal import read_trials
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult
from tests.analognas.small_search import TINY, analognas, analognas_process, command, environment, write_small

pytestmark = pytest.mark.slow

SIX = TINY.replace("trials: 5", "trials: 6")
"""Four trials to begin with, and a batch of two that the surrogate proposed."""


def timeless(trial: Trial) -> dict[str, object]:
    return {
        key: value
        for key, value in vars(trial).items()
        if key not in ("wall_time_s", "elapsed_s", "finished_at")
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    done = analognas_process("search", write_small(folder, SIX), "--out", folder / "run")
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_equal_seeds_give_equal_trials_and_results(whole, tmp_path) -> None:
    done = analognas("search", write_small(tmp_path, SIX), "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    first, second = (read_trials(run / "trials.jsonl") for run in (whole, tmp_path / "run"))
    assert list(map(timeless, first)) == list(map(timeless, second))
    results = [
        FinalResult.from_json((run / "best" / "metrics.json").read_text())
        for run in (whole, tmp_path / "run")
    ]
    assert results[0] == results[1]


def test_several_workers_give_the_trials_and_results_of_one(whole, tmp_path) -> None:
    auto = ("--executor", "auto", "--set", "executor.workers=2")
    done = analognas("search", write_small(tmp_path, SIX), "--out", tmp_path / "run", *auto)
    assert done.returncode == 0, done.stderr
    first, second = (read_trials(run / "trials.jsonl") for run in (whole, tmp_path / "run"))
    assert list(map(timeless, first)) == list(map(timeless, second))
    for file in ("metrics.json", "architecture.json"):
        assert (whole / "best" / file).read_bytes() == (tmp_path / "run" / "best" / file).read_bytes()
    one, two = (load_file(run / "best" / "model.safetensors") for run in (whole, tmp_path / "run"))
    assert (
        one.keys() == two.keys()
    )  # the file's own bytes differ: the order of its metadata is left to chance
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_another_seed_gives_other_trials(whole, tmp_path) -> None:
    path = write_small(tmp_path, SIX)
    done = analognas("search", path, "--seed", "4", "--set", "search.trials=5", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    genotypes = [
        {trial.genotype for trial in read_trials(run / "trials.jsonl")} for run in (whole, tmp_path / "run")
    ]
    assert len(genotypes[0] & genotypes[1]) < 4


MOMENTS = ("searching", "trial 5 of 6", "training the best", "exporting")


def test_a_run_that_is_killed_again_and_again_resumes_to_the_same_end(whole, tmp_path) -> None:
    """Right after the start, in a batch, in the final training and during the export: each resumes the one before."""
    run = tmp_path / "run"
    slow = SIX.replace(
        ", formats: []", ""
    )  # with an export that takes longer than the moment before it is killed
    arguments: tuple[str | Path, ...] = ("search", write_small(tmp_path, slow), "--out", run)
    for moment in MOMENTS:
        kept = killed_when(moment, arguments, run)
        arguments = ("resume", run)
    done = analognas(*arguments)
    assert done.returncode == 0, done.stderr
    assert (run / "trials.jsonl").read_bytes() == kept
    first, second = (read_trials(folder / "trials.jsonl") for folder in (whole, run))
    assert list(map(timeless, first)) == list(map(timeless, second))
    assert (run / "best" / "metrics.json").read_text() == (whole / "best" / "metrics.json").read_text()
    assert sorted(path.name for path in run.iterdir()) == sorted(path.name for path in whole.iterdir())


def killed_when(said: str, arguments: tuple[str | Path, ...], run: Path) -> bytes:
    """Kill a command a moment after it has said something, and return the journal, to which it has only added."""
    journal = run / "trials.jsonl"
    before = journal.read_bytes() if journal.exists() else b""
    process = subprocess.Popen(
        command(*arguments), env=environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    assert any(line.startswith(said) for line in process.stderr), said
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    kept = journal.read_bytes()
    assert kept.startswith(before[: before.rfind(b"\n") + 1])
    (run / "logs").mkdir(exist_ok=True)  # as a kill right after the last trial leaves it
    return kept


@pytest.mark.parametrize(
    ("how", "executor"),
    [
        (signal.SIGINT, "serial"),
        (signal.SIGTERM, "serial"),
        (signal.SIGINT, "auto"),
        (signal.SIGTERM, "auto"),
        (signal.SIGTERM, "processes"),
        pytest.param(signal.SIGTERM, "ray", marks=pytest.mark.ray),
    ],
)
def test_an_interruption_ends_with_130_and_says_how_to_go_on(tmp_path, how, executor) -> None:
    run = tmp_path / "run"
    local = ("--set", "executor.address=local") if executor == "ray" else ()
    process = subprocess.Popen(
        command("search", write_small(tmp_path, SIX), "--out", run, "--executor", executor, *local),
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("trial 1 of"):
            break
    process.send_signal(how)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"analognas resume {run}" in rest
    assert "Traceback" not in rest
    assert "leaked" not in rest
    assert "***" not in rest  # a library's own report of the signal
