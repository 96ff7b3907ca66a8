"""Faults that take minutes, without a cluster where none is needed. Run with `pytest -m faults` and `pytest -m ray`."""

import random
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests.analognas.executors.drive import check_run, drive, process_executor, search_loop
from tests.analognas.executors.evaluations import Sleeps
from tests.analognas.executors.test_asynchronous import kill_drivers, start


@pytest.mark.faults
def test_3_a_driver_killed_at_ten_random_moments(tmp_path) -> None:
    kept = kill_drivers(tmp_path, random.Random(2), range(2, 21, 2), n_trials=30, seconds=0.2)
    drive(tmp_path, search_loop(30), process_executor(Sleeps(0.05)))
    assert (tmp_path / "trials.jsonl").read_bytes().startswith(kept)
    check_run(tmp_path, 30)


@pytest.mark.parametrize(
    "where",
    [pytest.param("processes", marks=pytest.mark.faults), pytest.param("local", marks=pytest.mark.ray)],
)
def test_10_a_clock_that_jumps(tmp_path, monkeypatch, where) -> None:
    """The wall clock of the driver, its workers and its whole cluster jumps by two days every third second."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    clock = tmp_path / "jumping_clock.so"
    source = Path(__file__).parent / "jumping_clock.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", clock, source], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(clock))
    process = start(tmp_path, 20, 0.5, where)
    monkeypatch.delenv("LD_PRELOAD")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    trials = check_run(tmp_path, 20)
    assert {trial.status for trial in trials} == {"completed"}
    assert {trial.attempts for trial in trials} == {1}
    ends = [datetime.fromisoformat(trial.finished_at) for trial in trials]
    assert max(ends) > min(ends) and ends != sorted(ends), "the clock did not jump"
