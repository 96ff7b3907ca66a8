"""What chips make of a trained network: accuracy over time, and the figures that come from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import hwsim
from analognas.evaluation.prepared import PreparedTask
from analognas.record.trial import DAY_S, MONTH_S, SECOND_S, DriftRecord
from analognas.tasks import Split
from search_spaces import count_network

if TYPE_CHECKING:
    from torch import nn


def accuracy_on_chips(
    analog: nn.Module, split: Split, *, chips: int, times_s: Sequence[float], seed: int
) -> DriftRecord:
    """Program `chips` chips and return the accuracy of each at each time on `split`."""
    chips_of_network = hwsim.program(analog, n=chips, seed=seed)
    curve = hwsim.accuracy_over_time(chips_of_network, split.x, split.y.cpu(), times_s=times_s)
    return DriftRecord(
        times_s=tuple(float(time_s) for time_s in curve.times_s),
        accuracy=tuple(tuple(row) for row in curve.accuracy.tolist()),
    )


def drift_metrics(curve: DriftRecord) -> dict[str, float]:
    """Return 1-day accuracy, its standard deviation over the chips, AVM and accuracy at 1 s."""
    rows = {time_s: np.array(row) for time_s, row in zip(curve.times_s, curve.accuracy, strict=True)}
    return {
        "accuracy_1d": float(rows[DAY_S].mean()),
        "std_1d": float(rows[DAY_S].std(ddof=1)),
        "avm": float(rows[SECOND_S].mean() - rows[MONTH_S].mean()),
        "accuracy_1s": float(rows[SECOND_S].mean()),
    }


def cost_metrics(network: nn.Module, analog: nn.Module, task: PreparedTask) -> dict[str, float]:
    """Return parameters, multiply-accumulates, tiles and their utilisation."""
    parameters, macs = count_network(network, task.source.input_shape)
    tiles = hwsim.tile_map(analog)
    return {
        "parameters": float(parameters),
        "macs": float(macs),
        "tiles": float(tiles.n_tiles),
        "utilisation": float(tiles.utilisation),
    }
