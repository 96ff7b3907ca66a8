"""Work other than trials through the executors: trainings at full budget are held to the same limits."""

import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from analognas.executors.in_order import outcomes_in_order
from analognas.executors.limits import Limits
from analognas.executors.processes import ProcessExecutor
from analognas.executors.serial import SerialExecutor
from analognas.record.trial import Failure
from tests.analognas.executors import evaluations
from tests.analognas.executors.evaluations import Work

UNEVEN = [Work("first", 0.4), Work("second", 0.2), Work("third"), Work("fourth", 0.1)]


def processes(
    evaluate, workers: int, *, retries: int = 0, logs: Path | None = None, time_s: float | None = None
):
    return ProcessExecutor(
        evaluate,
        workers=workers,
        max_in_flight=workers,
        max_retries=retries,
        limits=Limits(time_s, None, 1),
        logs=logs,
    )


@pytest.mark.parametrize("workers", [0, 1, 2, 8])
def test_outcomes_come_in_the_order_of_the_work(workers) -> None:
    executor = processes(evaluations.rested, workers) if workers else SerialExecutor(evaluations.rested)
    try:
        outcomes = list(outcomes_in_order(executor, UNEVEN))
        assert [outcome.result for outcome in outcomes] == ["first", "second", "third", "fourth"]
        assert [outcome.job for outcome in outcomes] == UNEVEN
        assert list(outcomes_in_order(executor, [])) == []
    finally:
        executor.close()


def test_no_more_is_submitted_than_the_executor_takes() -> None:
    class Counting(SerialExecutor):
        most = 0

        def submit(self, job) -> None:
            super().submit(job)
            self.most = max(self.most, len(self._jobs))

    executor = Counting(evaluations.rested)
    list(outcomes_in_order(executor, UNEVEN))
    assert executor.most == 1


def test_workers_share_the_tensors_of_the_object_whose_method_they_call() -> None:
    x = torch.ones(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    data = {"x": x, "odd": torch.arange(3), "none": torch.empty(0, 3)}
    executor = processes(evaluations.Describes(data).evaluate, 1)
    try:
        (outcome,) = outcomes_in_order(executor, [Work("final-best")])
        assert outcome.result == (96.0, True, [0, 1, 2], (0, 3), True)
    finally:
        executor.close()


def test_work_that_has_more_to_do_has_more_time(tmp_path) -> None:
    executor = processes(evaluations.rested, 1, time_s=0.5, logs=tmp_path)
    try:
        patient, hasty = outcomes_in_order(
            executor, [Work("patient", 0.8, allowance=20.0), Work("hasty", 30.0, allowance=1.5)]
        )
    finally:
        executor.close()
    assert patient.result == "patient"
    assert isinstance(hasty.result, Failure)
    assert hasty.result.reason == "stopped at `executor.trial_timeout`: it was not done after 0.75 s"


def test_work_whose_worker_dies_is_started_again_and_the_log_says_so(tmp_path) -> None:
    executor = processes(evaluations.DiesOnce(tmp_path / "died"), 2, retries=1, logs=tmp_path)
    try:
        doomed, other = outcomes_in_order(executor, [Work("doomed"), Work("other", 0.1)])
    finally:
        executor.close()
    assert (doomed.result, doomed.attempts) == ("doomed", 2)
    assert (other.result, other.attempts) == ("other", 1)
    assert "its worker died, killed by SIGKILL" in (tmp_path / "doomed.log").read_text()


def test_an_interruption_ends_the_workers() -> None:
    executor = processes(evaluations.rested, 2)
    main = threading.main_thread().ident
    assert main is not None
    over = threading.Event()

    def interrupt() -> None:
        while not all(worker.started_s for worker in executor._workers):
            time.sleep(0.02)
        while not over.wait(2.0):  # a signal that comes while a worker is awaited in C may be lost
            signal.pthread_kill(main, signal.SIGINT)

    ended = [worker.process for worker in executor._workers]
    watch = threading.Thread(target=interrupt, daemon=True)
    watch.start()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(outcomes_in_order(executor, [Work("one", 30.0), Work("two", 30.0)]))
        over.set()
        watch.join()
    finally:
        signal.signal(signal.SIGINT, before)
        executor.close()
    assert not any(process.is_alive() for process in ended)
