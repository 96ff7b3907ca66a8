"""Zero-shifting: where a cell's steps up and down are equal, found by pulses as a chip finds it.

Pulses up and down in turn bring every cell to its symmetry point; the mean of its last reads is stored and subtracted
from all later ones.

References:
    Kim et al., Zero-shifting technique for deep neural network training on resistive cross-point arrays, 2019,
    arXiv 1907.10228.
"""

from __future__ import annotations

from typing import Final

import torch

from hwsim.arguments import whole
from hwsim.learning.array import Array, CellArray
from hwsim.streams import derive_seed

LAST: Final = 0.25
"""Part of the pairs over which reads are averaged, the last ones."""

MOST_PAIRS: Final = 10_000
"""Pairs of pulses after which zero-shifting ends, wherever the cells are."""

CONSTANTS: Final = 4.0
"""Time constants of the relaxation toward the symmetry point, which pass before the reads that are averaged."""


def enough_pairs(array: Array, n_states: float) -> int:
    """Return pairs of pulses that bring the cells of an array to their symmetry points.

    A pair moves a cell by s_up(w) - s_dn(w), which is -κ (w - w*) near the symmetry point w*: it takes 1 / κ pairs to
    come e times closer. Devices with steps of the same size everywhere have no such point; they get what moves a cell
    through its range.
    """
    pairs = 4 * n_states + 1
    if isinstance(array, CellArray):
        middle = array.symmetry_point()
        low, high = array.cells["low"], array.cells["high"]
        reach = 0.01 * (high - low)
        pull = [
            array.device.up(w, array.cells) - array.device.down(w, array.cells)
            for w in (middle - reach, middle + reach)
        ]
        relaxation = ((pull[0] - pull[1]) / (2 * reach).clamp(min=1e-9)).median()
        if float(relaxation) > 0:
            pairs = max(pairs, CONSTANTS / float(relaxation) / (1 - LAST))
    return int(min(pairs, MOST_PAIRS))


def zero_shift(array: Array, pairs: int, seed: int, averaged: int | None = None) -> torch.Tensor:
    """Bring an array to its symmetry points by pulses and return what is read there, `(rows, columns)`.

    Args:
        array: which is left near its symmetry points.
        pairs: pulses up, each with one down after it; some multiples of the states of the device.
        seed: of the noise of the pulses.
        averaged: pairs at the end over which reads are averaged; None for the last quarter.

    Raises:
        ValueError: for less than one pair.
    """
    whole("pairs", pairs, least=1)
    averaged = max(1, int(pairs * LAST)) if averaged is None else averaged
    whole("averaged", averaged, least=1, most=pairs)
    up = torch.ones_like(array.weights, dtype=torch.int32)
    total = torch.zeros_like(array.weights)
    for pair in range(pairs):
        for direction in (1, -1):
            array.pulse(up * direction, derive_seed(seed, pair, direction))
            if pair >= pairs - averaged:
                total += array.weights
    return total / (2 * averaged)
