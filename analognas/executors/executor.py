"""What an executor is: it evaluates jobs somewhere and hands back their outcomes as they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from analognas.record.trial import DriftRecord, Failure
from analognas.strategies.strategy import Proposal


@dataclass(frozen=True)
class Job:
    """A proposal on its way through an executor.

    Attributes:
        proposal: the candidate and where it came from.
        asked_after: finished trials when the strategy was asked.
        position: place in the strategy's batch.
        seed: of the evaluation.
    """

    proposal: Proposal
    asked_after: int
    position: int
    seed: int


@dataclass(frozen=True)
class Measurement:
    """What an evaluation measured: the metrics of `analognas.record.trial` and the accuracy of each chip over time."""

    metrics: Mapping[str, float]
    curve: DriftRecord


@dataclass(frozen=True)
class Outcome:
    """The end of a job: a measurement, or the failure that stands in its place."""

    job: Job
    result: Measurement | Failure
    threads: int
    wall_time_s: float
    finished_at: str
    versions: Mapping[str, str]


class Executor(Protocol):
    """Evaluates jobs: the driver submits at most `capacity` at a time and waits for one outcome after the other."""

    @property
    def capacity(self) -> int:
        """How many jobs may be under way at a time."""
        ...

    def submit(self, job: Job) -> None:
        """Start a job."""
        ...

    def next_outcome(self) -> Outcome:
        """Wait for the next job to end; a job that raised an exception ends with a failure."""
        ...

    def close(self) -> None:
        """Stop every worker."""
        ...
