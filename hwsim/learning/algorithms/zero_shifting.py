"""Zero-shifting: where a cell's steps up and down are equal, found by pulses as a chip finds it.

Pulses up and down in turn bring every cell to its symmetry point; the mean of its last reads is stored and subtracted
from all later ones.

References:
    Kim et al., Zero-shifting technique for deep neural network training on resistive cross-point arrays, 2019,
    arXiv 1907.10228.
"""

from __future__ import annotations

import torch

from hwsim.arguments import whole
from hwsim.learning.array import Array
from hwsim.streams import derive_seed


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
    averaged = max(1, pairs // 4) if averaged is None else averaged
    whole("averaged", averaged, least=1, most=pairs)
    up = torch.ones_like(array.weights, dtype=torch.int32)
    total = torch.zeros_like(array.weights)
    for pair in range(pairs):
        for direction in (1, -1):
            array.pulse(up * direction, derive_seed(seed, pair, direction))
            if pair >= pairs - averaged:
                total += array.weights
    return total / (2 * averaged)
