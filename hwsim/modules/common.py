"""What the runs of an analog layer have in common while its weights and its execution stay as they are.

A recurrent layer runs its arrays once a time step: what depends on neither step nor state is computed once a sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch


@final
@dataclass(frozen=True)
class Block:
    """One row block, in the shapes that its products want.

    Attributes:
        weights: of the block's rows.
        curvature: weights of the second, third, … power of the inputs, likewise; empty for linear devices.
        gain: `(columns, 1, ...)`, what makes a fully-on product one.
        input_range: 0-dim, the input that drives the DAC fully.
        scale: `(columns, 1, ...)`, digital scale after the ADC, the input range included.
        rows_in_use: `(columns, 1, ...)`.
        row_position: broadcasts against `weights`.
    """

    weights: torch.Tensor
    curvature: tuple[torch.Tensor, ...]
    gain: torch.Tensor
    input_range: torch.Tensor
    scale: torch.Tensor
    rows_in_use: torch.Tensor
    row_position: torch.Tensor


@final
@dataclass(frozen=True)
class Common:
    """Weights and scales of a layer as its execution has them.

    Attributes:
        weights: shape of the layer's weight.
        curvature: weights of the second, third, … power of the inputs, of that shape; empty for linear devices.
        gains: `(blocks, columns)`, what makes a fully-on product of `weights` one.
        scales: `(blocks, columns)`, digital scales after the ADC.
        blocks: the row blocks; empty where each input vector has a range of its own.
    """

    weights: torch.Tensor
    curvature: tuple[torch.Tensor, ...]
    gains: torch.Tensor
    scales: torch.Tensor
    blocks: tuple[Block, ...]
