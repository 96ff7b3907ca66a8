"""The search loop with several candidates under way: what strategies see, what is recorded, how it resumes."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analognas.driver.replay import replay
from analognas.errors import UserError
from analognas.executors.executor import Job, Outcome
from analognas.progress.observer import Silent
from analognas.record.journal import Journal, read_trials
from tests.analognas.executors import evaluations
from tests.analognas.executors.drive import Shuffled, Spy, check_run, drive, process_executor, search_loop
from tests.analognas.executors.evaluations import Sleeps, Sometimes
from tests.analognas.small_search import ROOT, environment

pytestmark = pytest.mark.slow


def test_strategies_see_results_as_they_arrive_and_what_is_pending(tmp_path) -> None:
    spy = Spy(search_loop(1).strategy)
    executor = Shuffled(4)
    drive(tmp_path, search_loop(20, strategy=spy), executor)
    check_run(tmp_path, 20)
    assert executor.most == 4
    assert spy.seen == [(0, 0, 4), *((finished, 3, 1) for finished in range(1, 17))]


@pytest.mark.parametrize("capacity", [1, 3, 8])
@pytest.mark.parametrize("stop_after", [1, 5, 11])
def test_what_was_under_way_is_evaluated_first_after_a_stop(tmp_path, capacity, stop_after) -> None:
    class Stop(Silent):
        def trial(self, trial, n_trials, best) -> None:
            if trial.number == stop_after:
                raise KeyboardInterrupt

    first = Shuffled(capacity)
    with pytest.raises(KeyboardInterrupt):
        drive(tmp_path, search_loop(16), first, Stop())
    before = read_trials(tmp_path / "trials.jsonl")
    told = [p.genotype for trial in before if trial.ask for p in trial.ask.proposals]
    waiting = set(told) - {trial.genotype for trial in before}
    trials = drive(tmp_path, search_loop(16), Shuffled(capacity, seed=1))
    assert check_run(tmp_path, 16)[:stop_after] == before
    assert waiting <= {trial.genotype for trial in trials}


def test_many_workers_replay_to_the_same_proposals(tmp_path) -> None:
    trials = drive(tmp_path, search_loop(24), Shuffled(5))
    assert replay(search_loop(24), trials) == len([trial for trial in trials if trial.ask])
    with pytest.raises(
        UserError,
        match=r"after trial 0 the strategy proposes another candidate at position 0: gene \d+ \d+ in the record,",
    ):
        replay(search_loop(24, seed=6), trials)


def test_a_replay_finds_trials_that_are_not_of_this_run(tmp_path) -> None:
    trials = drive(tmp_path, search_loop(12), Shuffled(3))
    alien = replace(trials[7], genotype=(9999, *trials[7].genotype[1:]))
    other_seed = replace(trials[7], seed=5)
    twice = replace(trials[7], number=9, ask=None)
    on_a_rung = replace(trials[7], rung=1)
    for wrong, why in (
        ([*trials[:7], alien], "trial 8 is of a candidate that nothing had proposed"),
        ([*trials[:7], replace(trials[11], number=8)], "trial 8 is of a candidate that nothing had proposed"),
        ([*trials[:8], twice], "trial 9 is of a candidate that .* had ended already"),
        ([*trials[:7], on_a_rung], "trial 8 is of a candidate that nothing had proposed"),
        ([*trials[:7], other_seed], r"trial 8 is of another evaluation: seed 5 in the record, \d+ now"),
    ):
        with pytest.raises(UserError, match=why):
            replay(search_loop(12), wrong)


@pytest.mark.parametrize("how", [evaluations.die, evaluations.hang_in_native_code, evaluations.allocate])
def test_a_replay_does_not_repeat_what_ended_a_worker(tmp_path, how) -> None:
    evaluate = Sometimes(how, tmp_path / "starts", every=3)
    executor = process_executor(evaluate, workers=1, retries=0, time_s=2.0, memory_gb=0.2)
    trials = drive(tmp_path, search_loop(6), executor)
    failed = [trial for trial in trials if trial.status == "failed"]
    assert failed
    evaluated = []

    def again(job: Job) -> Outcome:
        evaluated.append(job.proposal.genotype)
        return evaluations.instant(job)

    replay(search_loop(6), trials, again)
    assert set(evaluated) == {trial.genotype for trial in trials if trial.status == "completed"}


def test_failed_candidates_are_never_proposed_again(tmp_path) -> None:
    record = tmp_path / "starts"
    executor = process_executor(Sometimes(evaluations.die, record, every=3))
    drive(tmp_path, search_loop(8), executor)
    trials = check_run(tmp_path, 8)
    failed = [trial for trial in trials if trial.status == "failed"]
    assert failed
    assert {trial.attempts for trial in failed} == {3}
    assert all(
        trial.failure is not None and "its worker died 3 times" in trial.failure.reason for trial in failed
    )


def test_a_clock_that_jumps_changes_nothing(tmp_path, monkeypatch) -> None:
    real = time.time
    jumps = iter(range(10_000))
    monkeypatch.setattr(time, "time", lambda: real() + (-1) ** next(jumps) * 86_400)
    told = []

    class Watch(Silent):
        def progress(self, progress) -> None:
            told.append(progress.trials_a_second)

    drive(tmp_path, search_loop(6), process_executor(Sleeps(0.1), time_s=20.0), Watch())
    check_run(tmp_path, 6)
    assert all(rate is None or rate > 0 for rate in told)


def test_a_second_driver_is_refused(tmp_path) -> None:
    with (
        Journal(tmp_path / "trials.jsonl"),
        pytest.raises(UserError, match="another process is running this search"),
    ):
        drive(tmp_path, search_loop(4), Shuffled(2))
    assert read_trials(tmp_path / "trials.jsonl") == []


def start(folder: Path, n_trials: int, seconds: float, where: str = "processes") -> subprocess.Popen[str]:
    arguments = ["-m", "tests.analognas.executors.drive", folder, n_trials, seconds, where]
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_trials(folder: Path, n: int, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not (folder / "trials.jsonl").exists() or (folder / "trials.jsonl").read_bytes().count(b"\n") < n:
        assert time.monotonic() < deadline, f"{n} trials took longer than {timeout_s} s"
        time.sleep(0.02)


def kill_drivers(folder: Path, moments: random.Random, after: Sequence[int], **search: Any) -> bytes:
    """Start drivers one after the other and kill each some time after its trial; return what they recorded.

    Args:
        folder: of the run.
        moments: draws how long after.
        after: trials that must be there before each kill.
        search: arguments of `start`.
    """
    kept = b""
    for n in after:
        process = start(folder, **search)
        wait_for_trials(folder, n)
        time.sleep(2 * search["seconds"] * moments.random())
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        content = (folder / "trials.jsonl").read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        assert complete.startswith(kept)
        kept = complete
    return kept


def test_a_driver_killed_at_random_moments_loses_nothing(tmp_path) -> None:
    kept = kill_drivers(tmp_path, random.Random(1), (2, 5, 9), n_trials=12, seconds=0.2)
    drive(tmp_path, search_loop(12), process_executor(Sleeps(0.05)))
    assert (tmp_path / "trials.jsonl").read_bytes().startswith(kept)
    check_run(tmp_path, 12)


def test_ctrl_c_once_finishes_what_runs_and_twice_stops(tmp_path) -> None:
    process = start(tmp_path, 100, 0.4)
    wait_for_trials(tmp_path, 2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert "press Ctrl-C again to stop at once" in said
    trials = read_trials(tmp_path / "trials.jsonl")
    proposed = [p.genotype for trial in trials if trial.ask for p in trial.ask.proposals]
    assert len(trials) < 20
    assert {trial.genotype for trial in trials} == set(proposed), "what ran was not finished"

    process = start(tmp_path, 100, 30.0)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert time.monotonic() - begun < 10
    assert read_trials(tmp_path / "trials.jsonl") == trials
