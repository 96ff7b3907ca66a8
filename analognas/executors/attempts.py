"""When a job is started again: after its worker was lost, and once with more memory.

A candidate whose evaluation raises an exception fails at once: it would raise it again. A worker that dies may have
been unlucky, so the job is started up to `max_retries` times more. A machine that goes away is never the candidate's
doing, up to a bound that ends a job which takes its machines down with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

from analognas.executors.executor import Outcome, Work, now_utc
from analognas.executors.memory import TOO_LARGE
from analognas.record.trial import Failure

MAX_LOST_NODES: Final = 16
"""Machines a job may lose before it counts as their cause."""

MEMORY_SIGNS: Final = (
    "MemoryError",
    "OutOfMemoryError",
    "can't allocate memory",
    "std::bad_alloc",
    "out of memory",
    "could not create a primitive",  # oneDNN, whose convolutions torch uses
)


WORKER_DIED: Final = "its worker died"
NODES_LOST: Final = "machines went away while they evaluated it"
MEMORY_RAN_OUT: Final = "out of memory, also with"
TIME_IS_UP: Final = "stopped at `executor.trial_timeout`"


@dataclass(frozen=True)
class Attempt:
    """One start of a job.

    Attributes:
        job: to evaluate.
        crashes: workers it has lost.
        lost_nodes: machines it has lost.
        more_memory: whether it ran out of memory before and now has more.
        most_memory_gb: gigabytes that the largest machine has for it.
    """

    job: Work
    crashes: int = 0
    lost_nodes: int = 0
    more_memory: bool = False
    most_memory_gb: float = math.inf

    @property
    def number(self) -> int:
        """Which start of the job this is, from 1."""
        return 1 + self.crashes + self.lost_nodes + self.more_memory

    def why_after(self, before: Attempt) -> str:
        """Return what became of the attempt before this one."""
        if self.lost_nodes > before.lost_nodes:
            return "its machine went away"
        return "its worker died" if self.crashes > before.crashes else "it ran out of memory"


def ran_out_of_memory(outcome: Outcome[Any, Any]) -> bool:
    """Return whether an evaluation failed because the memory of the machine or of a GPU ran out."""
    result = outcome.result
    return isinstance(result, Failure) and any(sign in result.reason for sign in MEMORY_SIGNS)


def ended_from_outside(failure: Failure) -> bool:
    """Return whether an evaluation was ended by its executor, with its worker or because memory ran out.

    Doing it again could end this process.

    >>> ended_from_outside(Failure("its worker died once, no retries, last killed by SIGSEGV", ""))
    True
    """
    beginnings = (WORKER_DIED, MEMORY_RAN_OUT, TIME_IS_UP, TOO_LARGE)
    return failure.reason.startswith(beginnings) or failure.reason.endswith(NODES_LOST)


def after_crash(attempt: Attempt, max_retries: int, how: str) -> Attempt | Failure:
    """Return the next attempt after the worker died, or the failure that ends the job.

    Args:
        attempt: that lost its worker.
        max_retries: starts after the first one.
        how: the worker died, such as `killed by signal 9`.
    """
    if attempt.crashes < max_retries:
        return replace(attempt, crashes=attempt.crashes + 1)
    times = f"{max_retries + 1} times in {max_retries + 1} attempts" if max_retries else "once, no retries"
    return Failure(reason=f"{WORKER_DIED} {times}, last {how}", traceback="")


def after_lost_node(attempt: Attempt) -> Attempt | Failure:
    """Return the next attempt after a machine went away, or the failure of a job that has lost too many."""
    if attempt.lost_nodes < MAX_LOST_NODES:
        return replace(attempt, lost_nodes=attempt.lost_nodes + 1)
    return Failure(reason=f"{MAX_LOST_NODES + 1} {NODES_LOST}", traceback="")


def after_memory_ran_out(attempt: Attempt, how: str, more: str) -> Attempt | Failure:
    """Return the second attempt after memory ran out, or the failure that ends the job.

    Args:
        attempt: that ran out of memory.
        how: the last words of the evaluation.
        more: what the second attempt has, such as `2 GB` or `a machine to itself`.
    """
    if not attempt.more_memory:
        return replace(attempt, more_memory=True)
    return Failure(reason=f"{MEMORY_RAN_OUT} {more}: {how}", traceback="")


def failed(
    attempt: Attempt, failure: Failure, *, threads: int, wall_time_s: float, node: str = ""
) -> Outcome[Any, Any]:
    """Return the outcome of a job that no worker could finish."""
    return Outcome(
        job=attempt.job,
        result=failure,
        threads=threads,
        wall_time_s=wall_time_s,
        finished_at=now_utc(),
        versions={},
        attempts=attempt.number,
        node=node,
    )
