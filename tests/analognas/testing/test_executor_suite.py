"""The suite of executors accepts what is built in, and names what is wrong with broken ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analognas.executors.executor import ExecutorState
from analognas.executors.limits import Limits
from analognas.executors.processes import ProcessExecutor
from analognas.executors.serial import SerialExecutor
from analognas.record.trial import Failure
from analognas.testing import (
    BrokenExecutorError,
    check_executor,
)


@pytest.mark.parametrize(
    "make",
    [
        SerialExecutor,
        lambda evaluate: ProcessExecutor(
            evaluate, workers=2, max_in_flight=4, max_retries=1, limits=Limits(None, None, 1)
        ),
    ],
    ids=["serial", "processes"],
)
def test_built_in_executors_keep_their_contract(make: Any) -> None:
    check_executor(make)


class WrongExecutor(SerialExecutor):
    """An executor with a mistake."""

    mistake = ""

    @property
    def state(self) -> ExecutorState:
        state = super().state
        return {
            "no room": replace(state, capacity=0),
            "forgotten": replace(state, queued=5),
            "negative": replace(state, nodes=-1),
        }.get(self.mistake, state)

    def next_outcome(self) -> Any:
        if self.mistake == "twice":
            job = self._jobs[0]
            outcome = super().next_outcome()
            self._jobs.append(job)
            return outcome
        outcome = super().next_outcome()
        return {
            "a number": 0.5,
            "another job": replace(outcome, job=replace(outcome.job, position=77)),
            "another result": replace(outcome, result=Failure("lost", "")),
            "no start": replace(outcome, attempts=0),
        }.get(self.mistake, outcome)

    def close(self) -> None:
        if self.mistake == "close":
            raise OSError("no such process")


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("no room", "`state` must have room for a job"),
        ("forgotten", "`state` must tell at most the 0 jobs"),
        ("negative", "`state` must have 0 or more everywhere"),
        ("twice", "`next_outcome` must return each submitted job once|`state` must tell at most"),
        ("a number", "`next_outcome` must return an Outcome, got float"),
        ("another job", "`next_outcome` must return the job that was submitted"),
        ("another result", "`next_outcome` must return what the evaluation gave"),
        ("no start", "`next_outcome` must count one start or more"),
        ("close", "`close` must not fail, got OSError"),
    ],
)
def test_a_broken_executor_is_found(mistake: str, message: str) -> None:
    kind = type("Kind", (WrongExecutor,), {"mistake": mistake})
    with pytest.raises(BrokenExecutorError, match=message):
        check_executor(kind)
