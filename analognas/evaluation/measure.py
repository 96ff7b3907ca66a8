"""What chips make of a trained network: accuracy over time, and the figures that come from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

import hwsim
from analognas.evaluation.prepared import PreparedTask
from analognas.record.trial import DriftRecord
from analognas.specs.durations import DAY_S, MONTH_S, SECOND_S
from analognas.strategies.costs import network_costs
from analognas.tasks import Split

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
        adabs_inputs: `(images, ...)` that batch-norm statistics are measured on anew; None keeps those of training.
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


def drift_record(curve: hwsim.DriftCurve) -> DriftRecord:
    """Return the accuracies of a curve as a record keeps them."""
    return DriftRecord(
        times_s=tuple(float(time_s) for time_s in curve.times_s),
        accuracy=tuple(tuple(row) for row in curve.accuracy.tolist()),
    )


MEASURED: Final[Mapping[str, Callable[[Mapping[float, npt.NDArray[np.float64]]], np.floating[Any]]]] = {
    "accuracy_1d": lambda rows: rows[DAY_S].mean(),
    "std_1d": lambda rows: rows[DAY_S].std(ddof=1),
    "avm": lambda rows: rows[SECOND_S].mean() - rows[MONTH_S].mean(),
    "accuracy_1s": lambda rows: rows[SECOND_S].mean(),
    "accuracy_1mo": lambda rows: rows[MONTH_S].mean(),
}
"""From the `(chips,)` accuracies at each time, seconds, to the metrics that follow from them."""


def drift_metrics(curve: DriftRecord) -> dict[str, float]:
    """Return the metrics of a curve."""
    rows = {time_s: np.array(row) for time_s, row in zip(curve.times_s, curve.accuracy, strict=True)}
    return {name: float(metric(rows)) for name, metric in MEASURED.items()}


def cost_metrics(
    network: nn.Module, task: PreparedTask, hardware: hwsim.Hardware, use: ChipUse | None
) -> dict[str, float]:
    """Return what a network costs on its own, on the hardware and on a described chip, as the constraints count it."""
    return network_costs(network, task.source.input_shape, hardware, use)
