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

A file that somebody has edited is not believed: types and unknown keys are found when a line is read, `check_trial` has
the bounds and what fields say of each other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from analognas.metrics import TABLE
from analognas.record.strict import STRICT, bounded_json, first_problem
from analognas.strategies.strategy import Proposal
from search_spaces import Genotype

if TYPE_CHECKING:
    from pydantic import TypeAdapter

LONG: Final = 1_000_000
"""Characters. Nothing makes the line of a trial longer but what a strategy proposed."""


MAX_GENES: Final = 10_000

MAX_GENE: Final = 2**53

MAX_ASKED: Final = 10_000_000

_DEVICE: Final = re.compile(r"(cpu|cuda:\d{1,3}( .{1,200})?)?")


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


def check_trial(trial: Trial) -> None:
    """Check the values of a trial.

    Raises:
        ValueError: with the rule that does not hold, and the value.
    """
    _check_counts(trial)
    _holds(bool(_DEVICE.fullmatch(trial.device)), "device", "be cpu or cuda:N", repr(trial.device))
    try:
        zoned = datetime.fromisoformat(trial.finished_at).tzinfo is not None
    except ValueError:
        zoned = False
    rule = "be a time with its zone, as in ISO 8601"
    _holds(zoned, "finished_at", rule, repr(trial.finished_at))
    if trial.status == "failed":
        _holds(trial.failure is not None, "failure", "be there in a failed trial", "null")
        _holds(trial.curve is None, "curve", "be null in a failed trial", "a curve")
        _holds(not trial.metrics, "metrics", "be empty in a failed trial", f"{len(trial.metrics)} metrics")
        return
    _holds(trial.failure is None, "failure", "be null in a completed trial", "a failure")
    if trial.curve is None or trial.metrics.keys() != TABLE.keys():
        wrong = ", ".join(sorted(trial.metrics.keys() ^ TABLE.keys())) or "no curve"
        raise ValueError(f"a completed trial has a curve and every metric and no others: {wrong}")
    check_metrics(trial.metrics)
    check_curve(trial.curve)


def check_metrics(metrics: Mapping[str, float]) -> None:
    """Check that every value is one that its metric can have; names are those of `analognas.metrics`.

    Raises:
        ValueError: with the bounds that do not hold, and the value.
    """
    for name, value in metrics.items():
        metric = TABLE[name]
        if not metric.least <= value <= metric.largest:
            raise ValueError(
                f"metrics.{name} must be from {metric.least:g} to {metric.largest:g}, got {value:g}"
            )


def _check_counts(trial: Trial) -> None:
    _check_genes("genotype", trial.genotype)
    for name, value, least in (
        ("number", trial.number, 1),
        ("asked_after", trial.asked_after, 0),
        ("position", trial.position, 0),
        ("seed", trial.seed, 0),
        ("threads", trial.threads, 1),
        ("wall_time_s", trial.wall_time_s, 0),
        ("attempts", trial.attempts, 1),
        ("rung", trial.rung, 0),
    ):
        if value < least:
            raise ValueError(f"{name} must be {least} or more, got {value:g}")
    _holds(0 < trial.budget <= 1, "budget", "be above 0 and at most 1", f"{trial.budget:g}")
    _holds(
        trial.asked_after < trial.number,
        "asked_after",
        f"be below the number {trial.number}",
        str(trial.asked_after),
    )
    if trial.ask is not None:
        _holds(trial.ask.n >= 1, "ask.n", "be 1 or more", str(trial.ask.n)[:80])
        _holds(trial.ask.n <= MAX_ASKED, "ask.n", f"be at most {MAX_ASKED}", str(trial.ask.n)[:80])
        for proposal in trial.ask.proposals:
            _check_genes("ask.proposals.genotype", proposal.genotype)


def _check_genes(name: str, genotype: Genotype) -> None:
    _holds(1 <= len(genotype) <= MAX_GENES, name, "have 1 gene or more", str(len(genotype)))
    smallest, largest = min(genotype), max(genotype)
    _holds(
        smallest >= -MAX_GENE and largest <= MAX_GENE,
        name,
        "have genes of 53 bits",
        f"{smallest} to {largest}"[:80],
    )


def check_curve(curve: DriftRecord) -> None:
    """Check that a curve has ascending times, and an accuracy of every chip at each of them.

    Raises:
        ValueError: with the rule that does not hold, and the value.
    """
    times_s, rows = curve.times_s, curve.accuracy
    ascending = all(before < after for before, after in pairwise(times_s))
    _holds(
        bool(times_s) and times_s[0] >= 0 and ascending,
        "curve.times_s",
        "be seconds that ascend",
        f"{list(times_s)}"[:60],
    )
    chips = len(rows[0]) if rows else 0
    _holds(
        len(rows) == len(times_s) and chips > 0 and all(len(row) == chips for row in rows),
        "curve.accuracy",
        "have a row for each time and a column for each chip",
        f"rows of {[len(row) for row in rows]} for {len(times_s)} times"[:80],
    )
    for row in rows:
        for accuracy in (min(row), max(row)):
            if not 0 <= accuracy <= 1:
                raise ValueError(f"curve.accuracy must be from 0 to 1, got {accuracy:g}")


def _holds(fact: bool, name: str, rule: str, value: str) -> None:
    if not fact:
        raise ValueError(f"{name} must {rule}, got {value}")
