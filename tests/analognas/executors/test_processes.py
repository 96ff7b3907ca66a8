"""Real worker processes, and everything that can happen to them."""

import multiprocessing
import os
import re
import signal
import time
from collections import Counter
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from analognas.executors.executor import Measurement
from analognas.executors.limits import Limits
from analognas.executors.processes import ProcessExecutor
from analognas.executors.specs import LONGEST_TRIAL_S
from analognas.executors.worker_process import work
from analognas.record.trial import Failure
from tests.analognas.executors import evaluations
from tests.analognas.executors.evaluations import Breaks, Gated, Sleeps, Sometimes, Trains, a_job

pytestmark = pytest.mark.slow

N = 8


def executor(evaluate, *, workers: int = 2, retries: int = 2, logs=None, **limits) -> ProcessExecutor:
    return ProcessExecutor(
        evaluate,
        workers=workers,
        max_in_flight=2 * workers,
        max_retries=retries,
        limits=Limits(**{"time_s": None, "memory_gb": None, "threads": 1, **limits}),
        logs=logs,
    )


def run_all(pool: ProcessExecutor, n: int = N) -> dict[int, object]:
    try:
        for number in range(n):
            pool.submit(a_job(number))
        return {(outcome := pool.next_outcome()).job.seed: outcome for _ in range(n)}
    finally:
        pool.close()


def get_ready(pool: ProcessExecutor) -> None:
    """Wait until both workers have done a job: on a busy machine one may start seconds after the other."""
    for number in (101, 102):
        pool.submit(a_job(number))
    for _ in range(2):
        pool.next_outcome()


def starts(path: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in path.read_text().splitlines())


def test_every_job_ends_once_and_workers_are_few(tmp_path) -> None:
    outcomes = run_all(executor(evaluations.instant))
    assert sorted(outcomes) == list(range(N))
    assert all(isinstance(outcome.result, Measurement) for outcome in outcomes.values())
    assert {outcome.attempts for outcome in outcomes.values()} == {1}


def test_a_slow_job_holds_back_no_other() -> None:
    pool = executor(Sleeps(0.4, uneven=True))
    try:
        get_ready(pool)
        jobs = [a_job(96), *(a_job(97 * n) for n in range(1, 4))]  # the first takes five times as long
        for job in jobs:
            pool.submit(job)
        ended = [pool.next_outcome().job for _ in jobs]
    finally:
        pool.close()
    assert ended[-1] == jobs[0]


@pytest.mark.parametrize(
    ("how", "name"), [(evaluations.die, "SIGKILL"), (evaluations.print_and_segfault, "SIGSEGV")]
)
def test_a_job_that_always_crashes_fails_after_its_retries(tmp_path, how, name) -> None:
    record = tmp_path / "starts"
    outcomes = run_all(executor(Sometimes(how, record), retries=2, logs=tmp_path), n=4)
    for seed, outcome in outcomes.items():
        if seed % 5:
            assert isinstance(outcome.result, Measurement)
        else:
            assert isinstance(outcome.result, Failure)
            assert f"its worker died 3 times in 3 attempts, last killed by {name}" == outcome.result.reason
            assert outcome.attempts == 3
            assert starts(record)[outcome.job.key] == 3
    log = (tmp_path / f"{a_job(0).key}.log").read_text()
    assert re.findall(rf"^attempt (\d), .*\nits worker died, killed by {name}$", log, re.M) == ["1", "2", "3"]
    if how is evaluations.print_and_segfault:
        assert log.count("last words, not flushed") == 3
        assert log.count("Fatal Python error: Segmentation fault") == 3


def test_a_worker_killed_from_outside_costs_only_time(tmp_path) -> None:
    record, gate = tmp_path / "starts", tmp_path / "gate"
    pool = executor(Gated(record, gate))
    try:
        gate.touch()
        get_ready(pool)
        gate.unlink()
        for number in range(4):
            pool.submit(a_job(number))
        while len(record.read_text().splitlines()) < 4:  # two to get ready, and two that run now
            time.sleep(0.05)
        victim = next(worker for worker in pool._workers if worker.attempt is not None)
        os.kill(victim.process.pid, signal.SIGKILL)
        gate.touch()
        outcomes = [pool.next_outcome() for _ in range(4)]
    finally:
        pool.close()
    assert all(isinstance(outcome.result, Measurement) for outcome in outcomes)
    assert sorted(outcome.attempts for outcome in outcomes) == [1, 1, 1, 2]


@pytest.mark.parametrize("how", [evaluations.hang_in_python, evaluations.hang_in_native_code])
def test_a_hanging_job_is_stopped(tmp_path, how) -> None:
    record = tmp_path / "starts"
    outcomes = run_all(executor(Sometimes(how, record), time_s=0.5), n=4)
    failed = {seed for seed, outcome in outcomes.items() if isinstance(outcome.result, Failure)}
    assert failed == {0}
    for seed in failed:
        assert (
            "stopped at `executor.trial_timeout`: it was not done after 0.5 s" in outcomes[seed].result.reason
        )
        assert starts(record)[outcomes[seed].job.key] == 1
        if how is evaluations.hang_in_python:
            assert "in hang_in_python" in outcomes[seed].result.traceback


def test_a_worker_whose_evaluation_was_stopped_evaluates_nothing_more() -> None:
    """An import that was stopped half-way would fail in every later training of the worker."""
    outcomes = run_all(executor(evaluations.Hangs(), workers=1, time_s=0.5), n=3)
    failed = {seed for seed, outcome in outcomes.items() if isinstance(outcome.result, Failure)}
    assert failed == {0}


@pytest.mark.parametrize("limits", [{"time_s": LONGEST_TRIAL_S}, {"memory_gb": 1e6}])
def test_the_largest_limits_are_limits_that_the_system_takes(limits) -> None:
    (outcome,) = run_all(executor(Sleeps(0.2), workers=1, **limits), n=1).values()
    assert isinstance(outcome.result, Measurement), outcome.result


def test_an_exception_keeps_its_traceback(tmp_path) -> None:
    outcomes = run_all(executor(Sometimes(evaluations.raise_error, tmp_path / "starts")))
    assert outcomes[0].result.reason == "ValueError: this candidate is <b>cursed</b>"
    assert "in raise_error" in outcomes[0].result.traceback
    assert outcomes[0].attempts == 1


def test_memory_is_doubled_once(tmp_path) -> None:
    record = tmp_path / "starts"
    evaluate = Sometimes(evaluations.allocate, record, every=1)
    (outcome,) = run_all(executor(evaluate, workers=1, memory_gb=0.4), n=1).values()
    assert isinstance(outcome.result, Failure)
    assert outcome.result.reason.startswith("out of memory, also with 0.8 GB: ")
    assert starts(record)[outcome.job.key] == outcome.attempts == 2
    assert isinstance(
        next(iter(run_all(executor(evaluate, workers=1, memory_gb=0.8), n=1).values())).result, Measurement
    )


def test_without_a_bound_the_second_attempt_runs_alone(tmp_path) -> None:
    record = tmp_path / "starts"
    outcomes = run_all(executor(Sometimes(evaluations.hoard, record, seconds=0.1)), n=4)
    failures = [outcome for outcome in outcomes.values() if isinstance(outcome.result, Failure)]
    assert {outcome.job.seed for outcome in failures} == {0}
    assert all("also with this machine to itself" in outcome.result.reason for outcome in failures)
    assert all(starts(record)[outcome.job.key] == 2 for outcome in failures)


def test_a_worker_that_ran_out_of_memory_evaluates_nothing_more() -> None:
    for limits in ({}, {"memory_gb": 1.0}):
        outcomes = run_all(executor(Breaks(), workers=1, **limits), n=3)
        reasons = {
            seed: outcome.result.reason
            for seed, outcome in outcomes.items()
            if isinstance(outcome.result, Failure)
        }
        assert set(reasons) == {0}
        assert all(reason.startswith("out of memory, also with") for reason in reasons.values())


def test_a_bound_leaves_out_what_the_first_training_imports() -> None:
    """Half-imported for want of memory, it would fail in every later training of the worker."""
    (outcome,) = run_all(executor(Trains(), workers=1, memory_gb=0.3), n=1).values()
    assert outcome.node == "all was imported before"


def test_workers_die_with_their_driver(tmp_path) -> None:
    import subprocess
    import sys

    from tests.analognas.small_search import ROOT, environment

    script = tmp_path / "driver.py"
    script.write_text(
        "import os, signal\n"
        "from tests.analognas.executors.test_processes import executor\n"
        "from tests.analognas.executors.evaluations import Sleeps, a_job\n"
        "if __name__ == '__main__':\n"
        "    pool = executor(Sleeps(0.2))\n"
        "    pool.submit(a_job(1))\n"
        "    pool.next_outcome()\n"
        "    print(*(worker.process.pid for worker in pool._workers), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        cwd=ROOT,
        timeout=60,
    )
    workers = [int(word) for word in done.stdout.split()]
    assert len(workers) == 2, done.stderr
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "a worker outlives its driver"
        time.sleep(0.1)


def test_a_worker_whose_driver_is_gone_ends_without_a_traceback(monkeypatch) -> None:
    ours, theirs = multiprocessing.Pipe()
    for name in ("settle", "write_at_once"):
        monkeypatch.setattr(f"analognas.executors.worker_process.{name}", lambda: None)
    try:
        ours.close()
        work(theirs, Sleeps(0.0), Limits(None, None, 1), None)
    finally:
        theirs.close()


def test_the_first_worker_does_not_hear_ctrl_c_while_it_starts(monkeypatch) -> None:
    tracker = resource_tracker.ResourceTracker()  # of a process that has not started one yet
    monkeypatch.setattr(resource_tracker, "getfd", tracker.getfd)
    monkeypatch.setattr(resource_tracker, "ensure_running", tracker.ensure_running)
    pool = executor(evaluations.instant, workers=1)
    try:
        status = Path(f"/proc/{pool._workers[0].process.pid}/status").read_text()
    finally:
        pool.close()
        tracker._stop()
    blocked = int(re.search(r"SigBlk:\s*(\w+)", status)[1], 16)
    assert blocked >> (signal.SIGINT - 1) & 1
