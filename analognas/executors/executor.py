"""What an executor is: it evaluates work somewhere and hands back the outcomes as they end."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from analognas.record.trial import DriftRecord, Failure, evaluation_key
from analognas.strategies.strategy import Proposal


class Work(Protocol):
    """What an executor evaluates: a trial, or a training at full budget. It is pickled on its way to a worker."""

    @property
    def key(self) -> str:
        """Short name, stable and unique within a run; its log has this name."""
        ...

    @property
    def allowance(self) -> float:
        """How many times the time limit of a trial it may take, 1 or more."""
        ...


WorkT = TypeVar("WorkT", bound=Work)
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Job:
    """A proposal on its way through an executor.

    Attributes:
        proposal: the candidate and where it came from.
        asked_after: finished trials when the strategy was asked.
        position: place in the strategy's batch.
        seed: of the evaluation.
        rung: of successive halving, from 0.
        budget: share of the full epochs and chips.
        stages: shares of the full digital training, one a rung up to this one, that one after the other make up its
            training; none where it is a training of its own.
        start: weights, a safetensors file, that the digital training of the rung below ended with; None trains again
            from the first stage, to the same weights.
    """

    proposal: Proposal
    asked_after: int
    position: int
    seed: int
    rung: int = 0
    budget: float = 1.0
    stages: tuple[float, ...] = ()
    start: bytes | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """Short stable name: of the candidate, which a run evaluates once, or once on each rung."""
        return evaluation_key(self.proposal.genotype, self.rung)

    @property
    def allowance(self) -> float:
        """The time limit of a trial, on every rung."""
        return 1.0


@dataclass(frozen=True)
class Measurement:
    """What an evaluation measured.

    Attributes:
        metrics: the figures of `analognas.record.trial`.
        curve: accuracy of each chip over time.
        weights: a safetensors file of the digitally trained weights, where a higher rung may go on from them.
    """

    metrics: Mapping[str, float]
    curve: DriftRecord
    weights: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Outcome(Generic[WorkT, ResultT]):
    """The end of a piece of work: its result, or the failure that stands in its place.

    Attributes:
        job: the work that ended.
        result: what came of it.
        threads: torch threads of the process that evaluated it.
        wall_time_s: of the evaluation, seconds.
        finished_at: ISO 8601, UTC.
        versions: of the packages that shape a result.
        attempts: how many times it was started.
        node: the machine that evaluated it; empty where none reported.
        device: where its tensors were, `cpu` or a GPU with its name; empty where none reported.
    """

    job: WorkT
    result: ResultT | Failure
    threads: int
    wall_time_s: float
    finished_at: str
    versions: Mapping[str, str]
    attempts: int = 1
    node: str = ""
    device: str = ""


@dataclass(frozen=True)
class Report:
    """What an evaluation on another machine sends back.

    Attributes:
        outcome: of the job.
        log: what the evaluation wrote, its end where it is long.
    """

    outcome: Outcome[Any, Any]
    log: str


TrialOutcome: TypeAlias = Outcome[Job, Measurement]
"""The end of a trial."""

Evaluate: TypeAlias = Callable[[WorkT], Outcome[WorkT, ResultT]]
"""An evaluation: it turns whatever goes wrong with a candidate into a failure; only a lost process gives none."""


@dataclass(frozen=True)
class ExecutorState:
    """How busy an executor is.

    Attributes:
        capacity: how many jobs may be under way at a time.
        running: jobs that are being evaluated.
        queued: jobs that were submitted and wait for a worker.
        nodes: machines in use.
    """

    capacity: int
    running: int
    queued: int
    nodes: int


class Executor(Protocol[WorkT, ResultT]):
    """Evaluates work: its user submits up to the capacity and waits for one outcome after the other."""

    @property
    def state(self) -> ExecutorState:
        """How busy the executor is now."""
        ...

    def submit(self, job: WorkT) -> None:
        """Start a piece of work."""
        ...

    def next_outcome(self) -> Outcome[WorkT, ResultT]:
        """Wait for the next one to end; one that lost its worker ends with a failure. Evaluations do not raise."""
        ...

    def close(self) -> None:
        """Stop every worker."""
        ...


def now_utc() -> str:
    """Return the time of the wall clock, ISO 8601; only ever shown, never compared: clocks jump."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@cache
def node_name() -> str:
    """Return the name of this machine."""
    return platform.node()
