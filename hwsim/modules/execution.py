"""What an analog layer computes with at the moment, and what its digital unit computes besides scale and offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import torch

from hwsim.noise import NoiseSource


@dataclass(frozen=True)
class Execution:
    """What a layer computes with at the moment.

    Attributes:
        programmed: weights read from a chip, shape of `weight`, units of g_max; None for the layer's own.
        compensation: `(blocks, columns)` drift compensation of the outputs; None for none.
        curvature: weights of the second, third, … power of the inputs, of the same shape and unit; empty for devices
            whose current is proportional to the voltage.
        weight_noise: added to the layer's own weights; None for none.
        noise: where the MVM's noise is drawn from; None for none.
        digital: compute in floating point, without a crossbar.
        many_chips: torch.vmap runs a batch of chips.
        channels_last: two-dimensional convolutions leave channels side by side in memory, which is faster but
            which a network with a `view` may not bear; else outputs have the order of the inputs, as in torch.
    """

    programmed: torch.Tensor | None = None
    compensation: torch.Tensor | None = None
    curvature: tuple[torch.Tensor, ...] = ()
    weight_noise: torch.Tensor | None = None
    noise: NoiseSource | None = None
    digital: bool = False
    many_chips: bool = False
    channels_last: bool = False


Activation: TypeAlias = Literal["identity", "relu", "relu6"]
"""What a digital unit computes behind offset and sums; a ReLU6 is a ReLU and an output range of at most 6."""

NOMINAL: Final = Execution()
"""Target weights, converters, no noise: what a layer does until it is told otherwise."""
