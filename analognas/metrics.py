"""The metrics of a trial: one row each, from which everything else about them is derived.

A *hard* bound is on what follows from the genotype (`analognas.strategies.costs`) and is checked before any training; a
*soft* one is on what is measured, and counts in what a trial is worth (`analognas.strategies.worth`). A bound says how
bad the metric may be: where less is better it is the largest value that is allowed, where more is better the smallest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Metric:
    """A figure that objectives, constraints and reports name.

    Attributes:
        name: in records and configurations.
        label: in texts and figures.
        sign: 1 where more is better, -1 where less is.
        unit: `%` and `points` for fractions of 1 that are shown as such; empty for counts; otherwise that of the value.
        least: smallest value that a record may have.
        largest: largest value that a record may have.
        bound: whether a bound on it is `hard`, `soft`, or not possible.
        bounded: what a bound on it is of, with an example in the units of a configuration.
        harm: what breaking a soft bound costs, in units of the metric.
        optional: whether a completed trial may lack it: it is of a described chip or of tasks with a label at every
            step, or run directories are older than the row.
        of_steps: whether it is of tasks with a label at every step alone.
    """

    name: str
    label: str
    sign: Literal[1, -1]
    unit: Literal["%", "points", "", "nats", "µJ", "µs", "mm²", "/J", "bits"]
    least: float
    largest: float
    bound: Literal["hard", "soft"] | None = None
    bounded: str = ""
    harm: float = 0.0
    optional: bool = False
    of_steps: bool = False

    @property
    def is_share(self) -> bool:
        """Whether it is a fraction of 1, which is shown times 100."""
        return self.unit in ("%", "points")

    @property
    def relation(self) -> Literal["<=", ">="]:
        """How a value that keeps a bound stands to it."""
        return "<=" if self.sign < 0 else ">="

    def keeps(self, value: Any, bound: float) -> Any:
        """Return whether a value, or each of an array, keeps a bound; NaN does not."""
        return value <= bound if self.sign < 0 else value >= bound

    def share(self, values: npt.NDArray[Any], bound: float) -> npt.NDArray[np.float64]:
        """Return how much of a bound values take, above 1 where they break it, `(n,)`."""
        if self.sign < 0:
            return np.asarray(values / max(bound, 1e-12), dtype=np.float64)
        return np.asarray(bound / np.maximum(values, 1e-12), dtype=np.float64)


TABLE: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("accuracy_1d", "1-day accuracy", 1, "%", 0.0, 1.0),
        Metric(
            "std_1d",
            "spread over chips",
            -1,
            "points",
            0.0,
            1.0,
            "soft",
            "standard deviation over chips of the 1-day accuracy, 0.005 or 0.5 points",
            harm=2.0,  # the accuracy of bad chips: two standard deviations below the mean
        ),
        Metric(
            "avm",
            "AVM",
            -1,
            "points",
            -1.0,
            1.0,
            "soft",
            "accuracy at 1 s minus at 1 month, 0.03 or 3 points",
            harm=1.0,
        ),
        Metric("accuracy_1s", "1-second accuracy", 1, "%", 0.0, 1.0),
        Metric("accuracy_1mo", "1-month accuracy", 1, "%", 0.0, 1.0, optional=True),
        Metric("digital_accuracy", "digital accuracy", 1, "%", 0.0, 1.0),
        Metric("bits_1d", "1-day bits per character", -1, "bits", 0.0, 1e9, optional=True, of_steps=True),
        Metric("bits_1s", "1-second bits per character", -1, "bits", 0.0, 1e9, optional=True, of_steps=True),
        Metric("bits_1mo", "1-month bits per character", -1, "bits", 0.0, 1e9, optional=True, of_steps=True),
        Metric(
            "digital_bits", "digital bits per character", -1, "bits", 0.0, 1e9, optional=True, of_steps=True
        ),
        Metric("training_loss", "mean training loss", -1, "nats", 0.0, 1e9, optional=True),
        Metric(
            "parameters",
            "parameters",
            -1,
            "",
            0.0,
            1e15,
            "hard",
            "trainable parameters, such as 40000 or 40 k",
        ),
        Metric("macs", "MACs", -1, "", 0.0, 1e18, "hard", "multiply-accumulates an inference, such as 1.5 M"),
        Metric("tiles", "tiles", -1, "", 0.0, 1e12, "hard", "crossbar tiles of `hardware.tile`, such as 16"),
        Metric(
            "utilisation",
            "tile utilisation",
            1,
            "%",
            0.0,
            1.0,
            "hard",
            "smallest share of the cells of its tiles that a network fills, 0.2 or 20 %",
        ),
        Metric(
            "tiles_packed",
            "packed tiles",
            -1,
            "",
            0.0,
            1e12,
            "hard",
            "crossbar tiles of `chip` where small layers share them, such as 16",
            optional=True,
        ),
        Metric(
            "energy_uj",
            "energy",
            -1,
            "µJ",
            0.0,
            1e15,
            "hard",
            "energy of an inference on `chip`, in µJ, such as 50 or 0.05 mJ",
            optional=True,
        ),
        Metric(
            "latency_us",
            "latency",
            -1,
            "µs",
            0.0,
            1e15,
            "hard",
            "latency of an inference on `chip`, in µs, such as 200 or 0.2 ms",
            optional=True,
        ),
        Metric(
            "area_mm2",
            "area",
            -1,
            "mm²",
            0.0,
            1e12,
            "hard",
            "area of the tiles of `chip` in use, with their digital units, in mm², such as 10",
            optional=True,
        ),
        Metric(
            "inferences_per_j",
            "inferences per joule",
            1,
            "/J",
            0.0,
            1e21,
            "hard",
            "fewest inferences on `chip` for a joule, such as 20000 or 20 k",
            optional=True,
        ),
    )
}
"""Every metric of a trial, in the order of records and tables."""

METRICS: Final = tuple(TABLE)
HARD_METRICS: Final = tuple(name for name, metric in TABLE.items() if metric.bound == "hard")
SOFT_METRICS: Final = tuple(sorted(name for name, metric in TABLE.items() if metric.bound == "soft"))
OPTIONAL_METRICS: Final = frozenset(name for name, metric in TABLE.items() if metric.optional)
COST_BOUNDS: Final = tuple(name for name in HARD_METRICS if TABLE[name].sign < 0)
"""Metrics with a hard bound that networks grow towards."""
SIGNS: Final[Mapping[str, int]] = {name: metric.sign for name, metric in TABLE.items()}


def sign_of(column: str) -> int:
    """Return 1 for a column of records of which more is better, -1 for one of which less is."""
    return SIGNS.get(column, -1 if column.startswith("std_") else 1)


def relation_of(name: str) -> Literal["<=", ">="]:
    """Return how a value that keeps a bound stands to it; a column of a table that is no metric is a cost.

    >>> relation_of("energy_uj"), relation_of("utilisation"), relation_of("a_column")
    ('<=', '>=', '<=')
    """
    return TABLE[name].relation if name in TABLE else "<="


def headline(metrics: Mapping[str, float]) -> str:
    """Return what chips make of a network a day after programming, in a few words.

    >>> headline({"accuracy_1d": 0.9722, "std_1d": 0.0031})
    '1-day accuracy 97.22 ± 0.31 %'
    >>> headline({"accuracy_1d": 0.5, "std_1d": 0.01, "bits_1d": 2.125})
    '2.125 bits per character after 1 day, 1-day accuracy 50.00 ± 1.00 %'
    """
    accuracy = f"1-day accuracy {100 * metrics['accuracy_1d']:.2f} ± {100 * metrics['std_1d']:.2f} %"
    if "bits_1d" not in metrics:
        return accuracy
    return f"{metrics['bits_1d']:.3f} bits per character after 1 day, {accuracy}"


def short_headline(metrics: Mapping[str, float]) -> str:
    """Return the first figure of `headline` alone, without a spread.

    >>> short_headline({"accuracy_1d": 0.9722}), short_headline({"accuracy_1d": 0.5, "bits_1d": 2.125})
    ('97.22 %', '2.125 bits per character')
    """
    if "bits_1d" in metrics:
        return f"{metrics['bits_1d']:.3f} bits per character"
    return f"{100 * metrics['accuracy_1d']:.2f} %"
