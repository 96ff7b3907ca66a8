"""One evaluated candidate, as one line of `trials.jsonl`.

Accuracies are fractions of 1. `metrics` holds the figures that objectives and constraints name:

=================  ===========================================================================
`accuracy_1d`      mean accuracy over the chips one day after programming
`std_1d`           its standard deviation over the chips
`avm`              mean accuracy at 1 s minus mean accuracy at 1 month (30 days)
`accuracy_1s`      mean accuracy over the chips one second after programming
`accuracy_1mo`     mean accuracy over the chips one month (30 days) after programming
`digital_accuracy` accuracy of the trained weights in floating point, no analog hardware
`bits_1d`          mean cross-entropy over the chips one day after programming, bits per character, and so on; of tasks
                   with a label at every step, as are the other metrics in bits
`parameters`       trainable parameters of the network
`macs`             multiply-accumulates of one inference
`tiles`            crossbar tiles the network occupies
`utilisation`      fraction of their unit cells that hold a weight
`tiles_packed`     crossbar tiles where small layers share them; of a described chip, as are the following
`energy_uj`        energy of one inference, µJ
`latency_us`       from the input to the last output, µs
`area_mm2`         area of the tiles in use with their digital units, mm²
`inferences_per_j` inferences for a joule
=================  ===========================================================================

Types, bounds and unknown keys are checked when a line is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from analognas.metrics import OPTIONAL_METRICS, TABLE
from analognas.specs.strict import STRICT, first_problem
from analognas.strategies.strategy import Proposal
from search_spaces import Genotype

FromZero = Annotated[int, Field(ge=0)]
FromOne = Annotated[int, Field(ge=1)]
Bits = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def _check_metrics(metrics: Mapping[str, float]) -> Mapping[str, float]:
    """Check that there is no metric, or each with a value that it can have.

    Raises:
        ValueError: with the names that do not fit, or the bounds that do not hold.
    """
    wrong = (metrics.keys() ^ TABLE.keys()) - (OPTIONAL_METRICS - metrics.keys())
    if metrics and wrong:
        raise ValueError(f"must hold every metric and no others, wrong: {', '.join(sorted(wrong))}")
    for name, value in metrics.items():
        metric = TABLE[name]
        if not metric.least <= value <= metric.largest:
            raise ValueError(f"{name} must be from {metric.least:g} to {metric.largest:g}, got {value:g}")
    return metrics


Metrics = Annotated[Mapping[str, float], AfterValidator(_check_metrics)]
"""The measured figures by name: all of them, or none where nothing was measured."""


@dataclass(frozen=True)
class DriftRecord:
    """Accuracy of several chips over time.

    Attributes:
        times_s: seconds since programming, ascending.
        accuracy: one row a time, one column a chip, fractions of 1.
        bits: cross-entropy in the same shape, bits per character; None where only whole inputs have a label.
    """

    times_s: Annotated[tuple[float, ...], Field(min_length=1)]
    accuracy: tuple[Annotated[tuple[Fraction, ...], Field(min_length=1)], ...]
    bits: tuple[tuple[Bits, ...], ...] | None = None


def _check_curve(curve: DriftRecord) -> DriftRecord:
    times_s, rows = curve.times_s, curve.accuracy
    if times_s[0] < 0 or any(before >= after for before, after in pairwise(times_s)):
        raise ValueError(f"times_s must be seconds that ascend, got {list(times_s)}")
    if len(rows) != len(times_s) or len(set(map(len, rows))) != 1:
        raise ValueError(
            f"accuracy must have a row for each of {len(times_s)} times and a column for each chip, "
            f"got rows of {[len(row) for row in rows]}"
        )
    if curve.bits is not None and list(map(len, curve.bits)) != list(map(len, rows)):
        raise ValueError("bits must have the rows and columns of accuracy")
    return curve


Curve = Annotated[DriftRecord, AfterValidator(_check_curve)]
"""A curve as a record holds it."""


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

    n: FromOne
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
        elapsed_s: seconds that the search had taken when the trial counted, without the time in which it was stopped;
            None in records of before this was kept.
        ask: what the strategy was asked after the trial before this one had ended and before this one did; None for
            nothing. All asks together hold every candidate that is still to be evaluated.
    """

    number: FromOne
    genotype: Annotated[Genotype, Field(min_length=1)]
    architecture: Mapping[str, Any]
    origin: str
    predicted: Mapping[str, float]
    asked_after: FromZero
    position: FromZero
    seed: FromZero
    status: Literal["completed", "failed"]
    metrics: Metrics
    curve: Curve | None
    failure: Failure | None
    threads: FromOne
    wall_time_s: Annotated[float, Field(ge=0)]
    finished_at: str
    versions: Mapping[str, str] = field(default_factory=dict)
    attempts: FromOne = 1
    node: str = ""
    device: str = ""
    ask: Ask | None = None
    rung: FromZero = 0
    budget: Annotated[float, Field(gt=0, le=1)] = 1.0
    elapsed_s: Annotated[float, Field(ge=0)] | None = field(default=None, compare=False)

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
        try:
            return _reader().validate_json(line)
        except ValidationError as error:
            raise ValueError(f"not a trial record: {first_problem(error)}") from None


def _fields(record: DriftRecord | Failure | None) -> dict[str, Any] | None:
    # A walk over all values, as `asdict` does it, would cost more than the rest of the driver.
    return (
        None if record is None else {name: value for name, value in vars(record).items() if value is not None}
    )


def _check_status(trial: Trial) -> Trial:
    """Check what the fields of a trial say of each other."""
    if trial.asked_after >= trial.number:
        raise ValueError(f"asked_after must be below the number {trial.number}, got {trial.asked_after}")
    if trial.status == "failed" and (trial.failure is None or trial.curve is not None or trial.metrics):
        raise ValueError("a failed trial must have a failure, no curve and no metrics")
    if trial.status == "completed" and (
        trial.failure is not None or trial.curve is None or not trial.metrics
    ):
        raise ValueError("a completed trial must have a curve, every metric and no failure")
    return trial


@cache
def _reader() -> TypeAdapter[Trial]:
    return TypeAdapter(Annotated[Trial, AfterValidator(_check_status)])


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
