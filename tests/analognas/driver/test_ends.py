"""What ends a search before its trials are spent."""

from dataclasses import replace

import pytest

from analognas.driver.replay import replay
from analognas.driver.selection import best_trial
from analognas.executors.serial import SerialExecutor
from analognas.progress.observer import Progress, Silent
from analognas.record.journal import read_trials
from tests.analognas.executors import evaluations
from tests.analognas.executors.drive import Shuffled, drive, problem, search_loop


@pytest.mark.parametrize("in_order", [False, True])
def test_a_search_ends_when_nothing_better_comes_for_a_while(tmp_path, in_order) -> None:
    loop = search_loop(60, batch=3, patience=6, in_order=in_order)
    drive(tmp_path, loop, SerialExecutor(evaluations.instant))
    trials = read_trials(tmp_path / "trials.jsonl")
    best = best_trial(problem(), trials)
    assert best is not None
    assert 6 <= len(trials) - best.number < 6 + 3, "a batch that was asked for is finished"
    assert len(trials) < 60
    assert loop.why_ended(trials) == "`search.patience: 6`"
    assert loop.why_ended(trials[: best.number]) == ""
    assert replace(loop, patience=None).why_ended(trials) == ""


def test_the_end_is_the_same_on_one_worker_and_on_many(tmp_path) -> None:
    found = []
    for name, executor in (("one", SerialExecutor(evaluations.instant)), ("many", Shuffled(3))):
        (tmp_path / name).mkdir()
        drive(tmp_path / name, search_loop(60, batch=3, patience=6, in_order=True), executor)
        found.append([trial.genotype for trial in read_trials(tmp_path / name / "trials.jsonl")])
    assert found[0] == found[1]


def test_a_search_that_ended_goes_on_with_more_patience(tmp_path) -> None:
    drive(tmp_path, search_loop(60, batch=3, patience=6, in_order=True), SerialExecutor(evaluations.instant))
    ended = (tmp_path / "trials.jsonl").read_bytes()
    drive(tmp_path, search_loop(60, batch=3, patience=6, in_order=True), SerialExecutor(evaluations.instant))
    assert (tmp_path / "trials.jsonl").read_bytes() == ended
    drive(tmp_path, search_loop(60, batch=3, in_order=True), SerialExecutor(evaluations.instant))
    longer = (tmp_path / "trials.jsonl").read_bytes()
    assert longer.startswith(ended)
    assert longer.count(b"\n") == 60


def test_a_search_ends_after_its_minutes_those_before_a_stop_included(tmp_path) -> None:
    slow = SerialExecutor(evaluations.Sleeps(0.05))
    drive(tmp_path, search_loop(4, batch=2, in_order=True), slow)
    first = read_trials(tmp_path / "trials.jsonl")[-1].elapsed_s
    assert first is not None
    loop = search_loop(60, batch=2, in_order=True, minutes=(first + 0.2) / 60)
    drive(tmp_path, loop, slow)
    trials = read_trials(tmp_path / "trials.jsonl")
    elapsed = [trial.elapsed_s or 0.0 for trial in trials]
    assert elapsed == sorted(elapsed)
    assert 4 < len(trials) < 60
    assert -0.08 <= elapsed[-1] - (first + 0.2) <= 0.25, "to the nearest trial, on a busy machine a few later"
    assert loop.why_ended(trials).startswith("`search.minutes: ")
    replay(loop, trials)


def test_minutes_leave_time_for_what_follows_the_trials(tmp_path) -> None:
    slow = SerialExecutor(evaluations.Sleeps(0.05))
    asked = []

    def reserve(trials) -> float:
        asked.append(len(trials))
        return 0.3

    loop = search_loop(60, batch=2, in_order=True, minutes=0.8 / 60)
    drive(tmp_path, replace(loop, reserve=reserve), slow)
    trials = read_trials(tmp_path / "trials.jsonl")
    assert -0.08 <= (trials[-1].elapsed_s or 0.0) - 0.5 <= 0.25, "0.3 s before the end"
    assert asked[-1] == len(trials)
    assert loop.why_ended(trials) == ""


def test_the_time_that_is_left_is_no_longer_than_the_minutes(tmp_path) -> None:
    class Left(Silent):
        def progress(self, progress: Progress) -> None:
            left.append(progress.time_left_s)

    left: list[float | None] = []
    slow = SerialExecutor(evaluations.Sleeps(0.05))
    drive(tmp_path, search_loop(6, batch=2, in_order=True), slow, Left())
    assert max(seconds for seconds in left if seconds is not None) > 0.05
    left.clear()
    drive(tmp_path, search_loop(400, batch=2, in_order=True, minutes=0.8 / 60), slow, Left())
    assert 0 <= max(seconds for seconds in left if seconds is not None) <= 0.8
