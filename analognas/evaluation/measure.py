"""What chips make of a trained network: accuracy over time, and the figures that come from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

import hwsim
from analognas.evaluation.prepared import PreparedTask
from analognas.record.trial import DriftRecord
from analognas.specs.durations import DAY_S, MONTH_S, SECOND_S
from analognas.strategies.costs import network_costs
from analognas.tasks import Split
from analognas.training.loop import accuracy, bits_per_step

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hwsim.chip_cost.network_costs import ChipUse


def curve_on_chips(
    analog: nn.Module,
    split: Split,
    *,
    chips: int,
    times_s: Sequence[float],
    seed: int,
    confidence: float | None = None,
    adabs_inputs: Tensor | None = None,
    progress: bool = False,
) -> hwsim.DriftCurve:
    """Program `chips` chips and return what each finds at each time on `split`.

    Args:
        analog: a network with calibrated input ranges.
        split: images and classes.
        chips: how many.
        times_s: seconds since programming.
        seed: what the chips are drawn with.
        confidence: stop once every mean is known within plus or minus this, in points; None for all chips.
        adabs_inputs: `(images, ...)` that batch-norm statistics are measured on again; None keeps those of training.
        progress: report on the error stream where it takes more than a few seconds.
    """
    programmed = hwsim.program(analog, n=chips, seed=seed)
    return curve_of(
        programmed,
        split,
        times_s=times_s,
        confidence=confidence,
        adabs_inputs=adabs_inputs,
        progress=progress,
    )


def curve_of(
    chips: hwsim.Chips,
    split: Split,
    *,
    times_s: Sequence[float],
    confidence: float | None = None,
    adabs_inputs: Tensor | None = None,
    progress: bool = False,
) -> hwsim.DriftCurve:
    """Return what each of some chips finds at each time on `split`; further arguments are those of `curve_on_chips`."""
    return hwsim.accuracy_over_time(
        chips,
        split.x,
        split.y,
        times_s,
        confidence=confidence,
        adabs_inputs=adabs_inputs,
        progress=None if progress else False,
    )


class Curves(NamedTuple):
    """What chips find over time.

    Attributes:
        accuracy: of inputs, or of every step that has a label.
        cross_entropy: of every step, in nats; None where only whole inputs have a label.
    """

    accuracy: hwsim.DriftCurve
    cross_entropy: hwsim.DriftCurve | None = None


def curves_on_chips(
    analog: nn.Module, split: Split, *, chips: int, times_s: Sequence[float], seed: int
) -> Curves:
    """Program chips and return everything that each finds; arguments are those of `curve_on_chips`."""
    programmed = hwsim.program(analog, n=chips, seed=seed)
    if split.y.ndim == 1:
        return Curves(curve_of(programmed, split, times_s=times_s))
    metrics = ("accuracy", "cross-entropy")
    found = hwsim.evaluate(programmed, (split.x, split.y), list(times_s), metrics, progress=False)
    return Curves(found["accuracy"], found["cross-entropy"])


def cross_entropy_of(
    chips: hwsim.Chips, split: Split, accuracy: hwsim.DriftCurve, adabs_inputs: Tensor | None = None
) -> hwsim.DriftCurve:
    """Return the cross-entropy of every step, in nats, at the times and of the chips of a curve of accuracies."""
    found = hwsim.evaluate(
        chips,
        (split.x, split.y),
        list(accuracy.times_s),
        "cross-entropy",
        adabs_inputs=adabs_inputs,
        progress=False,
    )
    n = len(accuracy.chips)
    return hwsim.DriftCurve(found.times_s, found.values[:, :n], metric=found.metric)


def cross_entropy_in(times_s: Sequence[float], bits: Sequence[Sequence[float]]) -> hwsim.DriftCurve:
    """Return the cross-entropy, in nats, of a record in bits."""
    return hwsim.DriftCurve(tuple(times_s), np.array(bits) * math.log(2), metric="cross-entropy")


def drift_record(accuracy: hwsim.DriftCurve, cross_entropy: hwsim.DriftCurve | None = None) -> DriftRecord:
    """Return curves as a record keeps them."""
    bits = None if cross_entropy is None else (cross_entropy.values / math.log(2)).tolist()
    return DriftRecord(
        times_s=tuple(float(time_s) for time_s in accuracy.times_s),
        accuracy=tuple(tuple(row) for row in accuracy.accuracy.tolist()),
        bits=None if bits is None else tuple(tuple(row) for row in bits),
    )


MEASURED: Final[Mapping[str, Callable[[Mapping[float, npt.NDArray[np.float64]]], np.floating[Any]]]] = {
    "accuracy_1d": lambda rows: rows[DAY_S].mean(),
    "std_1d": lambda rows: rows[DAY_S].std(ddof=1),
    "avm": lambda rows: rows[SECOND_S].mean() - rows[MONTH_S].mean(),
    "accuracy_1s": lambda rows: rows[SECOND_S].mean(),
    "accuracy_1mo": lambda rows: rows[MONTH_S].mean(),
}
"""From the `(chips,)` accuracies at each time, seconds, to the metrics that follow from them."""

BITS: Final[Mapping[str, float]] = {"bits_1s": SECOND_S, "bits_1d": DAY_S, "bits_1mo": MONTH_S}
"""Metrics that are means over chips of the cross-entropy of every step, with their times, seconds."""


def drift_metrics(curve: DriftRecord) -> dict[str, float]:
    """Return the metrics of a curve."""
    rows = {time_s: np.array(row) for time_s, row in zip(curve.times_s, curve.accuracy, strict=True)}
    found = {name: float(metric(rows)) for name, metric in MEASURED.items()}
    if curve.bits is not None:
        found |= {name: fmean(curve.bits[curve.times_s.index(time_s)]) for name, time_s in BITS.items()}
    return found


def digital_metrics(
    network: nn.Module, split: Split, known_accuracy: float | None = None
) -> dict[str, float]:
    """Return what a network finds in floating point; its accuracy is not measured again where it is known.

    Raises:
        EvaluationError: when its outputs are not finite.
    """
    found = {
        "digital_accuracy": accuracy(network, split.x, split.y) if known_accuracy is None else known_accuracy
    }
    if split.y.ndim > 1:
        found["digital_bits"] = bits_per_step(network, split.x, split.y)
    return found


def cost_metrics(
    network: nn.Module, task: PreparedTask, hardware: hwsim.Hardware, use: ChipUse | None
) -> dict[str, float]:
    """Return what a network costs on its own, on the hardware and on a described chip, as the constraints count it."""
    return network_costs(network, task.source.input_shape, hardware, use)
