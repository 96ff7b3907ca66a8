"""Made-up records for the suites: trials that completed and failed, and the end of a run."""

from __future__ import annotations

from typing import Final

from analognas.metrics import TABLE
from analognas.record.trial import DriftRecord, Failure, Trial
from analognas.record.validation import Finalist, FinalResult, ValidatedNetwork
from analognas.specs.durations import DAY_S, MONTH_S, SECOND_S

HOSTILE: Final = "<script>alert('1')</script> \x1b[2J"
"""A text as a stranger may have put it into a record."""

CHIPS: Final = 3
CURVE: Final = DriftRecord(
    (SECOND_S, DAY_S, MONTH_S), tuple((0.9 - n / 50, 0.88, 0.91) for n in range(CHIPS))
)


def metrics_of(number: int) -> dict[str, float]:
    """Return a value of every metric that its bounds allow, other ones for another number."""
    share = 1 - 1 / (number + 2)
    return {
        name: (metric.least + share * (metric.largest - metric.least) if metric.is_share else 1000.0 * number)
        for name, metric in TABLE.items()
    }


def trial(number: int, *, failed: bool = False, text: str = "made-up") -> Trial:
    """Return a trial.

    Args:
        number: from 1.
        failed: whether its evaluation gave no result.
        text: its origin, part of its architecture, and the reason of its failure.
    """
    metrics = {} if failed else metrics_of(number)
    return Trial(
        number=number,
        genotype=(number, 1),
        architecture={"layers": number, "note": text},
        origin=text,
        predicted={} if failed or number == 1 else {"accuracy_1d": 0.9},
        asked_after=number - 1,
        position=0,
        seed=number,
        status="failed" if failed else "completed",
        metrics=metrics,
        curve=None if failed else CURVE,
        failure=Failure(text, "Traceback (most recent call last): ...") if failed else None,
        threads=1,
        wall_time_s=1.5,
        finished_at=f"2030-01-01T00:00:{number:02d}.000+00:00",
    )


def network(name: str, number: int) -> ValidatedNetwork:
    """Return a network at full budget."""
    return ValidatedNetwork(
        name=name,
        architecture={"name": name},
        metrics=metrics_of(number),
        digital_accuracy={"test": 0.95, "validation": 0.96},
        curves={"test": CURVE, "validation": CURVE},
        training={"seed": 1},
    )


def result() -> FinalResult:
    """Return the end of a run whose first trial won the race against a reference."""
    values = {"accuracy_1d": [0.7, 0.8, 0.75]}
    return FinalResult(
        trial=1,
        network=network("best", 3),
        references=(network("resnet8", 4),),
        surrogate={
            "tau": {"accuracy_1d": 1.0},
            "trials": 3,
            "folds": 3,
            "measured": values,
            "predicted": values,
        },
        finalists=(Finalist(1, metrics_of(3), ""), Finalist(None, {}, "diverged", "resnet8")),
    )
