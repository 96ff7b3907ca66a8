"""What the values of a trial record must fulfil: a file that somebody has edited is not believed.

Types and unknown keys are found when a line is read; these are the bounds and what fields say of each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analognas.record.trial import DriftRecord, Trial
    from search_spaces import Genotype

BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "accuracy_1d": (0.0, 1.0),
    "std_1d": (0.0, 1.0),
    "avm": (-1.0, 1.0),
    "accuracy_1s": (0.0, 1.0),
    "digital_accuracy": (0.0, 1.0),
    "parameters": (0.0, 1e15),
    "macs": (0.0, 1e18),
    "tiles": (0.0, 1e12),
    "utilisation": (0.0, 1.0),
}
"""Least and largest value of each metric."""

MAX_GENES: Final = 10_000

MAX_GENE: Final = 2**53

MAX_ASKED: Final = 10_000_000

_DEVICE: Final = re.compile(r"(cpu|cuda:\d{1,3}( .{1,200})?)?")


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
    if trial.curve is None or trial.metrics.keys() != BOUNDS.keys():
        wrong = ", ".join(sorted(trial.metrics.keys() ^ BOUNDS.keys())) or "no curve"
        raise ValueError(f"a completed trial has a curve and every metric and no others: {wrong}")
    check_metrics(trial.metrics)
    check_curve(trial.curve)


def check_metrics(metrics: Mapping[str, float]) -> None:
    """Check that every value is one that its metric can have; names are those of `BOUNDS`.

    Raises:
        ValueError: with the bounds that do not hold, and the value.
    """
    for name, value in metrics.items():
        least, largest = BOUNDS[name]
        if not least <= value <= largest:
            raise ValueError(f"metrics.{name} must be from {least:g} to {largest:g}, got {value:g}")


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
