"""Searches in order: the same trials on any number of workers, stopped anywhere and continued anywhere."""

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analognas.driver.loop import SearchLoop
from analognas.driver.replay import replay
from analognas.driver.successive_halving import Halving
from analognas.executors.executor import Job, Outcome
from analognas.executors.serial import SerialExecutor
from analognas.interruption import StopRequest
from analognas.progress.observer import Silent
from analognas.record.journal import Journal, read_trials
from analognas.record.trial import Failure, Trial
from tests.analognas.executors import evaluations
from tests.analognas.executors.drive import (
    Shuffled,
    Spy,
    check_run,
    drive,
    process_executor,
    search_loop,
)
from tests.analognas.executors.evaluations import Sleeps
from tests.analognas.executors.test_asynchronous import kill_drivers, start, wait_for_trials

HALVINGS = (None, Halving(eta=2, rungs=3))
N = 22
"""Candidates; no multiple of the batch."""


def in_order(halving: Halving | None = None, n_trials: int = N, **changes) -> SearchLoop:
    return search_loop(n_trials, **{"batch": 4, "halving": halving, "in_order": True, **changes})


def evaluate(job: Job) -> Outcome:
    """Fail every ninth candidate."""
    if job.seed % 9 == 0:
        return Outcome(job, Failure("diverged", ""), 1, 0.0, "2026-01-01T00:00:00+00:00", {})
    return evaluations.instant(job)


def timeless(trials: list[Trial]) -> list[dict[str, object]]:
    machine = ("wall_time_s", "elapsed_s", "finished_at", "node", "attempts")
    return [{key: value for key, value in vars(trial).items() if key not in machine} for trial in trials]


def run(folder: Path, workers: int, halving: Halving | None = None, observer=None) -> list[Trial]:
    executor = SerialExecutor(evaluate) if workers == 1 else Shuffled(workers, workers, evaluate)
    return drive(folder, in_order(halving), executor, observer)


@pytest.fixture(scope="module", params=HALVINGS, ids=["one budget", "halving"])
def whole(request, tmp_path_factory) -> Iterator[tuple[Halving | None, list[Trial]]]:
    trials = run(tmp_path_factory.mktemp("whole"), 1, request.param)
    assert {trial.status for trial in trials} == {"completed", "failed"}
    yield request.param, trials


class Stop(Silent):
    def __init__(self, after: int) -> None:
        self.after = after

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        if trial.number == self.after:
            raise KeyboardInterrupt


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_any_number_of_workers_makes_the_same_trials(tmp_path, whole, workers) -> None:
    halving, trials = whole
    assert timeless(run(tmp_path, workers, halving)) == timeless(trials)


def test_without_rungs_one_worker_needs_no_order(tmp_path, whole) -> None:
    halving, trials = whole
    as_they_end = drive(tmp_path, in_order(halving, in_order=False), SerialExecutor(evaluate))
    assert (timeless(as_they_end) == timeless(trials)) == (halving is None)


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (8, 2)])
def test_a_search_stopped_after_any_trial_ends_as_if_it_had_not_been(tmp_path, whole, before, after) -> None:
    halving, trials = whole
    for stopped in range(1, len(trials)):
        folder = tmp_path / str(stopped)
        folder.mkdir()
        with pytest.raises(KeyboardInterrupt):
            run(folder, before, halving, Stop(stopped))
        assert len(read_trials(folder / "trials.jsonl")) == stopped
        assert timeless(run(folder, after, halving)) == timeless(trials)


def test_a_replay_makes_the_same_decisions(whole) -> None:
    halving, trials = whole
    assert replay(in_order(halving), trials, evaluate) == len([trial for trial in trials if trial.ask])


def test_the_rungs_are_those_of_the_halving(tmp_path) -> None:
    halving = Halving(eta=2, rungs=3)
    trials = run(tmp_path, 3, halving)
    for rung in (0, 1):
        completed = [trial for trial in trials if trial.rung == rung and trial.status == "completed"]
        assert len([trial for trial in trials if trial.rung == rung + 1]) == len(completed) // 2


def test_a_strategy_sees_whole_batches_alone(tmp_path) -> None:
    spy = Spy(search_loop(1).strategy)
    drive(tmp_path, in_order(strategy=spy), Shuffled(16))
    assert spy.seen == [(n, 0, min(4, N - n)) for n in range(0, N, 4)]


class LastFirst(Shuffled):
    """Ends the youngest job first."""

    def next_outcome(self) -> Outcome:
        return evaluate(self.jobs.pop())


def test_an_early_outcome_waits_for_those_before_it(tmp_path) -> None:
    recorded: list[tuple[int, int]] = []

    class Watched(LastFirst):
        def next_outcome(self) -> Outcome:
            recorded.append((len(self.jobs), len(read_trials(tmp_path / "trials.jsonl"))))
            return super().next_outcome()

    left: list[int] = []

    class Watch(Silent):
        def progress(self, progress) -> None:
            left.append(round(progress.time_left_s * progress.trials_a_second))

    trials = drive(tmp_path, in_order(n_trials=6), Watched(4), Watch())
    assert recorded == [(4, 0), (3, 0), (2, 0), (1, 0), (2, 4), (1, 4)]
    assert left == [2, 2, 2, 2, 0, 0]
    assert [trial.position for trial in trials] == [0, 1, 2, 3, 0, 1]


@pytest.mark.parametrize("halving", HALVINGS, ids=["one budget", "halving"])
@pytest.mark.parametrize("stopped", [1, 7, 13])
def test_a_stop_loses_nothing_that_has_finished(tmp_path, halving, stopped) -> None:
    evaluated, stop = 0, StopRequest()

    def counted(job: Job) -> Outcome:
        nonlocal evaluated
        evaluated += 1
        stop.requested = evaluated == stopped or stop.requested
        return evaluate(job)

    path = tmp_path / "trials.jsonl"
    with Journal(path) as journal, pytest.raises(KeyboardInterrupt):
        in_order(halving).run((), Shuffled(3, 0, counted), journal, Silent(), stop)
    assert stopped <= evaluated == len(read_trials(path)) < N
    (tmp_path / "whole").mkdir()
    assert timeless(run(tmp_path, 2, halving)) == timeless(run(tmp_path / "whole", 1, halving))


@pytest.mark.parametrize("halving", HALVINGS, ids=["one budget", "halving"])
@pytest.mark.parametrize("stopped", [3, 10, 17])
@pytest.mark.parametrize("first_in_order", [True, False])
def test_a_search_changes_over_from_one_order_to_the_other(
    tmp_path, halving, stopped, first_in_order
) -> None:
    with pytest.raises(KeyboardInterrupt):
        drive(tmp_path, in_order(halving, in_order=first_in_order), Shuffled(5), Stop(stopped))
    trials = drive(tmp_path, in_order(halving, in_order=not first_in_order), Shuffled(3, seed=1))
    evaluated = [(trial.genotype, trial.rung) for trial in trials]
    assert len(evaluated) == len(set(evaluated))
    per_rung = [len([trial for trial in trials if trial.rung == rung]) for rung in range(3)]
    assert per_rung == ([N, N // 2, N // 4] if halving else [N, 0, 0])
    replay(in_order(halving), trials)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_processes_that_end_in_another_order_make_the_same_trials(tmp_path, workers) -> None:
    n = 14
    for name in ("alone", "together"):
        (tmp_path / name).mkdir()
    alone = drive(tmp_path / "alone", in_order(n_trials=n), SerialExecutor(evaluations.instant))
    executor = process_executor(Sleeps(0.2, uneven=True), workers)
    together = drive(tmp_path / "together", in_order(n_trials=n), executor)
    assert timeless(check_run(tmp_path / "together", n)) == timeless(alone)
    ends = [trial.finished_at for trial in together]
    assert ends != sorted(ends)


@pytest.mark.slow
def test_a_driver_killed_and_interrupted_in_a_batch_makes_the_same_trials(tmp_path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "run").mkdir()
    journal = tmp_path / "run" / "trials.jsonl"
    whole = drive(tmp_path / "whole", in_order(n_trials=16), SerialExecutor(evaluations.instant))
    kill_drivers(tmp_path / "run", random.Random(2), (1, 6), n_trials=16, seconds=0.2, where="auto")
    process = start(tmp_path / "run", 16, 0.4, "auto")
    wait_for_trials(tmp_path / "run", 9)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert "press Ctrl-C again to stop at once" in said
    stopped = read_trials(journal)
    assert timeless(stopped) == timeless(whole[: len(stopped)])
    assert 9 <= len(stopped) < 16
    ended = drive(tmp_path / "run", in_order(n_trials=16), SerialExecutor(evaluations.instant))
    assert ended[: len(stopped)] == stopped
    assert timeless(ended) == timeless(whole)
