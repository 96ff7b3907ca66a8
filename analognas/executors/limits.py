"""What a worker does around an evaluation: holds it to its time and memory, and turns what is left into an outcome."""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from analognas.executors.attempts import TIME_IS_UP, Attempt
from analognas.executors.executor import Evaluate, Outcome, node_name, now_utc
from analognas.executors.memory import memory_limit
from analognas.executors.running_clock import RunningClock
from analognas.record.environment import package_versions
from analognas.record.trial import Failure

GRACE_S: Final = 2.0
"""Seconds after its time at which an evaluation that does not even answer a signal loses its worker."""

EARLY_S: Final = 0.01
"""Seconds that a timer may go off before its time, by rounding."""


@dataclass(frozen=True)
class Limits:
    """What an evaluation may take.

    Attributes:
        time_s: seconds of a trial; None: for ever.
        memory_gb: gigabytes of private memory; None: no bound.
        threads: torch threads, for the record of an evaluation that did not end by itself.
    """

    time_s: float | None
    memory_gb: float | None
    threads: int

    def memory_of(self, attempt: Attempt) -> float | None:
        """Gigabytes of an attempt: twice as many for one that ran out of them before, or all that a machine has."""
        if self.memory_gb is None or not attempt.more_memory:
            return self.memory_gb
        return max(self.memory_gb, min(2 * self.memory_gb, attempt.most_memory_gb))

    def time_of(self, attempt: Attempt) -> float | None:
        """Seconds of an attempt: a training at full budget has as many times more as it has more to do."""
        return None if self.time_s is None else self.time_s * attempt.job.allowance

    def out_of_time(self, attempt: Attempt) -> str:
        """Return why an evaluation was stopped."""
        return f"{TIME_IS_UP}: it was not done after {self.time_of(attempt):g} s"


class TrialTimeoutError(BaseException):
    """The time is up; not an `Exception`, so that no evaluation catches it by the way."""


def evaluate_within(evaluate: Evaluate[Any, Any], attempt: Attempt, limits: Limits) -> Outcome[Any, Any]:
    """Evaluate the job of `attempt`; every end but that of the process itself is an outcome."""
    start = time.perf_counter()
    try:
        with memory_limit(limits.memory_of(attempt)), time_limit(limits.time_of(attempt)):
            outcome = evaluate(attempt.job)
    except TrialTimeoutError:
        failure = Failure(reason=limits.out_of_time(attempt), traceback=traceback.format_exc())
    except Exception as error:
        failure = Failure(reason=f"{type(error).__name__}: {error}", traceback=traceback.format_exc())
    else:
        return replace(outcome, attempts=attempt.number)
    return Outcome(
        job=attempt.job,
        result=failure,
        threads=limits.threads,
        wall_time_s=time.perf_counter() - start,
        finished_at=now_utc(),
        versions=package_versions(),
        attempts=attempt.number,
        node=node_name(),
    )


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TrialTimeoutError in the main thread after `seconds` in which this process ran.

    No change of the system's clock touches them, and those in which the process was stopped do not count.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    with RunningClock() as clock:

        def on_alarm(_signal: int, _frame: Any) -> None:
            left_s = seconds - clock.now_s()
            if left_s <= EARLY_S:
                raise TrialTimeoutError
            signal.setitimer(signal.ITIMER_REAL, left_s)

        before = signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
