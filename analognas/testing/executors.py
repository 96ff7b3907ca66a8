"""The conformance suite of executors: what every executor, a user's own one included, must do.

`check_executor` has jobs evaluated, as many at a time as the executor takes, and compares what comes back with
the contract in `analognas.executors.executor`. The first breach ends the check with an error that names the method,
the rule and what was found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from analognas.executors.executor import (
    Evaluate,
    Executor,
    Job,
    Measurement,
    Outcome,
    TrialOutcome,
    node_name,
    now_utc,
)
from analognas.record.trial import Failure
from analognas.strategies import Proposal
from analognas.testing.made_up import CURVE, metrics_of

ROUNDS: Final = 3
FAILING: Final = 3
"""Every job whose seed this divides fails."""

P = ParamSpec("P")
T = TypeVar("T")


class BrokenExecutorError(ValueError):
    """An executor breaks its contract; the message names the method, the rule and what was found."""


def evaluate_made_up(job: Job) -> TrialOutcome:
    """Return a measurement that tells the job, or a failure; workers of other processes import it by its name."""
    failed = job.seed % FAILING == 0
    return Outcome(
        job=job,
        result=Failure("made up", "") if failed else Measurement(metrics_of(job.seed), CURVE),
        threads=1,
        wall_time_s=0.0,
        finished_at=now_utc(),
        versions={},
        node=node_name(),
    )


def check_executor(make: Callable[[Evaluate[Job, Measurement]], Executor[Job, Measurement]]) -> None:
    """Check that an executor keeps the contract of `analognas.executors.executor.Executor`.

    Args:
        make: returns a new executor of an evaluation, which can be pickled.

    Raises:
        BrokenExecutorError: at the first breach.
    """
    executor = _call("the constructor", make, evaluate_made_up)
    try:
        _check_rounds(executor)
        left = _job(10_000)
        _call("submit", executor.submit, left)
    finally:
        _call("close", executor.close)
    _call("close", make(evaluate_made_up).close)


def _check_rounds(executor: Executor[Job, Measurement]) -> None:
    capacity = _capacity(executor, under_way=0)
    _require(capacity >= 1, "state", "must have room for a job", f"a capacity of {capacity}")
    waiting: dict[str, Job] = {}
    for number in range(1, 1 + ROUNDS * capacity):
        job = _job(number)
        _call("submit", executor.submit, job)
        waiting[job.key] = job
        if len(waiting) == capacity:
            _capacity(executor, under_way=len(waiting))
            _check_outcome(executor, waiting)
    while waiting:
        _check_outcome(executor, waiting)
    _capacity(executor, under_way=0)


def _check_outcome(executor: Executor[Job, Measurement], waiting: dict[str, Job]) -> None:
    outcome = _call("next_outcome", executor.next_outcome)
    _require(isinstance(outcome, Outcome), "next_outcome", "must return an Outcome", type(outcome).__name__)
    key = outcome.job.key
    _require(key in waiting, "next_outcome", "must return each submitted job once", outcome.job)
    job = waiting.pop(key)
    _require(
        outcome.job == job, "next_outcome", f"must return the job that was submitted, {job}", outcome.job
    )
    expected = evaluate_made_up(job).result
    rule = f"must return what the evaluation gave, {expected}"
    _require(outcome.result == expected, "next_outcome", rule, outcome.result)
    _require(outcome.attempts >= 1, "next_outcome", "must count one start or more", outcome.attempts)


def _capacity(executor: Executor[Job, Measurement], under_way: int) -> int:
    """Check the state against the jobs that were submitted and have no outcome yet; return the capacity."""
    state = _call("state", lambda: executor.state)
    least = min(state.capacity, state.running, state.queued)
    _require(least >= 0 and state.nodes >= 0, "state", "must have 0 or more everywhere", state)
    found = state.running + state.queued
    rule = f"must tell at most the {under_way} jobs that have no outcome yet as running or queued"
    _require(found <= under_way, "state", rule, found)
    return state.capacity


def _job(number: int) -> Job:
    return Job(Proposal((number, 1), "made-up"), asked_after=0, position=number, seed=number)


def _call(name: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise BrokenExecutorError(f"`{name}` must not fail, got {type(error).__name__}: {error}") from error


def _require(holds: bool, name: str, rule: str, found: object) -> None:
    if not holds:
        raise BrokenExecutorError(f"`{name}` {rule}, got {found}")
