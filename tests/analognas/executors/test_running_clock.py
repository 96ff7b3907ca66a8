"""A clock that stands still while its process is stopped, and the time limits that go by it."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

from analognas.executors.attempts import Attempt
from analognas.executors.limits import GRACE_S
from analognas.executors.processes import _Worker
from analognas.executors.running_clock import LONGEST_GAP_S, RunningClock
from tests.analognas.executors import evaluations
from tests.analognas.executors.evaluations import a_job
from tests.analognas.executors.test_processes import executor
from tests.analognas.small_search import ROOT, environment

STOPPED_S = 1.5


def an_hour_later(monkeypatch) -> None:
    """Let the clock of the system say that nothing has run for an hour."""
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 3600)
    monkeypatch.setattr("analognas.executors.running_clock.time", clock)


def test_it_goes_like_any_other_clock() -> None:
    with RunningClock() as clock:
        start_s, before_s = time.monotonic(), clock.now_s()
        time.sleep(0.6)
        after_s = clock.now_s()
        assert abs((after_s - before_s) - (time.monotonic() - start_s)) < 0.1


def test_a_gap_counts_little(monkeypatch) -> None:
    with RunningClock() as clock:
        now_s = clock.now_s()
        an_hour_later(monkeypatch)
        assert now_s < clock.now_s() <= now_s + LONGEST_GAP_S + 0.5


def test_a_stopped_evaluation_has_its_time_left_when_it_goes_on() -> None:
    code = (
        "import sys, time, analognas.executors.running_clock as clock, analognas.executors.limits as limits\n"
        "clock.LONGEST_GAP_S = 0.6\n"
        "with limits.time_limit(1.2):\n"
        "    print('begun', flush=True)\n"
        "    for _ in range(4): time.sleep(0.1)\n"
        "print('done', flush=True)\n"
        "try:\n"
        "    with limits.time_limit(0.3): time.sleep(20)\n"
        "except limits.TrialTimeoutError: print('stopped', flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(STOPPED_S)
    os.kill(process.pid, signal.SIGCONT)
    assert process.communicate(timeout=30)[0] == "done\nstopped\n"


def test_workers_that_were_stopped_with_their_driver_are_not_overdue(monkeypatch) -> None:
    pool = executor(evaluations.instant, workers=0, time_s=60.0)
    busy = _Worker(None, None, Attempt(a_job(1)), started_s=pool._clock.now_s())
    an_hour_later(monkeypatch)
    assert not pool._overdue(busy)
    busy.started_s -= 60.0 + GRACE_S
    assert pool._overdue(busy)
    pool.close()
