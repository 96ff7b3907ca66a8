"""Products with a projection on one chip, which is programmed once, read at one time and kept as numpy arrays."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F

from hwsim.chips import program
from hwsim.hardware import Hardware
from hwsim.modules import AnalogLinear, Execution
from hwsim.modules.linear import array
from hwsim.noise import NoisePool, NoiseStream
from hwsim.streams import derive_seed, stream

Numbers: TypeAlias = "npt.NDArray[np.float32]"

ROWS_AT_ONCE: Final = 1024
"""Input vectors in one pass: what is computed of them stays in the cache."""


class Programmed(NamedTuple):
    """What a chip holds.

    Attributes:
        weights: `(columns, rows)` float32, units of g_max.
        compensation: `(blocks, columns)` float32 factors on the outputs; None for none.
        curvature: weights of the second, third, … power of the inputs; empty for linear devices.
    """

    weights: Numbers
    compensation: Numbers | None
    curvature: tuple[Numbers, ...]


def programmed(projection: Numbers, hardware: Hardware, chip_seed: int, t_s: float) -> Programmed:
    """Return what the devices of a chip hold at `t_s` seconds after a projection, `(columns, rows)`, was programmed.

    Raises:
        ValueError: for a time that the device does not cover.
    """
    chips = program(nn.Sequential(_layer(projection, hardware, 1.0)), n=1, seed=chip_seed)
    reading = chips.at(t_s, 0)
    (weights,) = reading.weights.values()
    compensation = None if reading.compensation is None else next(iter(reading.compensation.values()))
    curvature = next(iter(reading.curvature.values()), ())
    return Programmed(
        weights.numpy(),
        None if compensation is None else compensation.numpy(),
        tuple(power.numpy() for power in curvature),
    )


class Products:
    """Products with a projection on a chip; equal inputs in an equal place give equal products.

    Args:
        projection: `(columns, rows)` float32, the weights that were programmed.
        held: what the chip holds of them.
        hardware: of the array.
        input_range: the input that drives the DAC fully, where it is static.
        chip_seed: of the noise of products.
        t_s: seconds since programming, of the noise of products.
    """

    def __init__(
        self,
        projection: Numbers,
        held: Programmed,
        hardware: Hardware,
        input_range: float,
        chip_seed: int,
        t_s: float,
    ) -> None:
        self._layer = _layer(projection, hardware, input_range)
        pool = NoisePool.for_layers(
            stream(chip_seed, "pool"), [self._layer.mapping], self._layer.weight.device
        )
        self._execution = Execution(
            programmed=torch.tensor(held.weights),
            compensation=None if held.compensation is None else torch.tensor(held.compensation),
            curvature=tuple(torch.tensor(power) for power in held.curvature),
            noise=NoiseStream(pool, derive_seed(chip_seed, "chip", 0, "mvm", t_s)),
        )

    @torch.no_grad()
    def of(self, inputs: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
        """Yield which rows of `inputs`, `(vectors, rows)` float32, and their products, `(vectors, columns)`.

        The last pass is filled with zeros: a matrix product rounds a row differently in batches of other sizes, and
        what is found of a vector must not depend on the others.
        """
        layer = copy.copy(self._layer)  # what is noted of a run is its own: estimators may share threads
        layer.execution = self._execution
        with layer.held():
            for start in range(0, len(inputs), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                vectors = inputs[part]
                filled = F.pad(vectors, (0, 0, 0, ROWS_AT_ONCE - len(vectors)))
                yield part, layer(filled)[: len(vectors)]


def _layer(projection: Numbers, hardware: Hardware, input_range: float) -> AnalogLinear:
    layer = array(torch.tensor(projection), None, hardware, trained=False)
    layer.input_range.fill_(input_range)
    return layer
