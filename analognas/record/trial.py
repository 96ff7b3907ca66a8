"""One evaluated candidate, as one line of `trials.jsonl`.

Accuracies are fractions of 1. `metrics` holds the figures that objectives and constraints name:

=================  ===========================================================================
`accuracy_1d`      mean accuracy over the chips one day after programming
`std_1d`           its standard deviation over the chips
`avm`              mean accuracy at 1 s minus mean accuracy at 1 month (30 days)
`accuracy_1s`      mean accuracy over the chips one second after programming
`digital_accuracy` accuracy of the trained weights in floating point, no analog hardware
`parameters`       trainable parameters of the network
`macs`             multiply-accumulates of one inference
`tiles`            crossbar tiles the network occupies
`utilisation`      fraction of their unit cells that hold a weight
=================  ===========================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from analognas.record.strict import STRICT, bounded_json, first_problem
from analognas.strategies.strategy import Proposal
from search_spaces import Genotype

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SECOND_S: Final = 1.0
HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0
MONTH_S: Final = 2_592_000.0
YEAR_S: Final = 31_536_000.0

METRICS: Final = (
    "accuracy_1d",
    "std_1d",
    "avm",
    "accuracy_1s",
    "digital_accuracy",
    "parameters",
    "macs",
    "tiles",
    "utilisation",
)

LONG: Final = 1_000_000
"""Characters. Nothing makes the line of a trial longer but what a strategy proposed."""


@dataclass(frozen=True)
class DriftRecord:
    """Accuracy of several chips over time.

    Attributes:
        times_s: seconds since programming, ascending.
        accuracy: one row a time, one column a chip, fractions of 1.
    """

    times_s: tuple[float, ...]
    accuracy: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Failure:
    """Why an evaluation gave no result."""

    reason: str
    traceback: str


@dataclass(frozen=True)
class Ask:
    """What a strategy was asked between two trials, and what it answered.

    Attributes:
        n: candidates asked for.
        proposals: those of the answer that were new and admissible, in order; their index is a trial's `position`.
    """

    n: int
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class Trial:
    """One evaluated candidate and everything needed to evaluate it again.

    Attributes:
        number: position in the record, from 1: in the order in which trials count.
        genotype: the candidate.
        architecture: the candidate in the literature's symbols.
        origin: which part of the strategy proposed it.
        predicted: what the surrogate expected, by metric name.
        asked_after: how many trials were recorded when the strategy was asked for it.
        position: its place in the batch that the strategy returned.
        seed: seed of its initialisation, training and noise.
        status: `completed`, or `failed` with a `failure`.
        metrics: the measured figures; empty when failed.
        curve: accuracy of every chip at every time; None when failed.
        failure: None when completed.
        threads: torch threads of the process that evaluated it.
        wall_time_s: seconds the evaluation took.
        finished_at: end of the evaluation, ISO 8601, UTC.
        versions: of the packages that shape a result.
        attempts: how many times its evaluation was started; more than one after a lost worker.
        node: the machine that evaluated it.
        device: where its tensors were, `cpu` or a GPU with its name; empty where the evaluation did not end.
        rung: of successive halving, from 0; 0 without halving.
        budget: share of the full epochs and chips that the evaluation had; 1 on the last rung and without halving.
        ask: what the strategy was asked after the trial before this one had ended and before this one did; None for
            nothing. All asks together hold every candidate that is still to be evaluated.
    """

    number: int
    genotype: Genotype
    architecture: Mapping[str, Any]
    origin: str
    predicted: Mapping[str, float]
    asked_after: int
    position: int
    seed: int
    status: Literal["completed", "failed"]
    metrics: Mapping[str, float]
    curve: DriftRecord | None
    failure: Failure | None
    threads: int
    wall_time_s: float
    finished_at: str
    versions: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 1
    node: str = ""
    device: str = ""
    ask: Ask | None = None
    rung: int = 0
    budget: float = 1.0

    __pydantic_config__: ClassVar = STRICT  # handed on to the records inside

    @property
    def at_full_budget(self) -> bool:
        """Whether it was evaluated with all epochs and chips, so that it can be chosen."""
        return self.budget == 1.0

    @property
    def log(self) -> str:
        """Name of its file in `logs/`, which is there when a worker wrote anything."""
        return f"{evaluation_key(self.genotype, self.rung)}.log"

    def to_json(self) -> str:
        """Return the trial as one line of JSON without a newline."""
        values = {**vars(self), "curve": _fields(self.curve), "failure": _fields(self.failure)}
        if self.ask is not None:
            values["ask"] = {
                "n": self.ask.n,
                "proposals": [vars(proposal) for proposal in self.ask.proposals],
            }
        return json.dumps(values, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Trial:
        """Read a line that `to_json` wrote.

        Raises:
            ValueError: when the line is not JSON, lacks a field, has one more, or a value that cannot be.
        """
        from pydantic import ValidationError

        from analognas.record.trial_checks import check_trial

        try:
            trial = _reader().validate_json(line) if len(line) <= LONG else _read_long(line)
            check_trial(trial)
        except ValidationError as error:
            raise ValueError(f"not a trial record: {first_problem(error)}") from None
        except ValueError as error:
            raise ValueError(f"not a trial record: {error}") from None
        return trial


def _fields(record: DriftRecord | Failure | None) -> dict[str, Any] | None:
    # A walk over all values, as `asdict` does it, would cost more than the rest of the driver.
    return None if record is None else vars(record)


def _read_long(line: str) -> Trial:
    """Read a line that what a strategy proposed makes long, each proposal by itself."""
    from pydantic import ValidationError
    from pydantic_core import from_json

    values = from_json(line)
    proposals: list[object] = []
    ask = values.get("ask") if isinstance(values, dict) else None
    if isinstance(ask, dict) and isinstance(ask.get("proposals"), list):
        proposals, ask["proposals"] = ask["proposals"], proposals
    trial = _reader().validate_json(bounded_json(values, LONG))
    if trial.ask is None:
        return trial
    read: list[Proposal] = []
    for index, proposal in enumerate(proposals):
        try:
            read += _proposal_reader().validate_json(bounded_json([proposal], LONG))
        except ValidationError as error:
            raise ValueError(f"ask.proposals.{index}: {first_problem(error).removeprefix('0.')}") from None
    return replace(trial, ask=replace(trial.ask, proposals=tuple(read)))


@cache
def _reader() -> TypeAdapter[Trial]:
    from pydantic import TypeAdapter

    return TypeAdapter(Trial)


@cache
def _proposal_reader() -> TypeAdapter[tuple[Proposal]]:
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[Proposal], config=STRICT)


def candidate_key(genotype: Genotype) -> str:
    """Return a short stable name of a candidate: the first 12 hex digits of its SHA-256.

    >>> candidate_key((16, 3, 1))
    '873e8f70393b'
    """
    return hashlib.sha256(json.dumps(list(genotype)).encode()).hexdigest()[:12]


def evaluation_key(genotype: Genotype, rung: int) -> str:
    """Return a short stable name of an evaluation: of its candidate, which a run evaluates once on each rung."""
    name = candidate_key(genotype)
    return f"{name}-{rung}" if rung else name
