"""The arrays of one recurrent cell, and its step: products on tiles, states and functions digital.

Input x and state h meet in one of two ways (`tile.recurrent` of the hardware):

    separate   two arrays, W x and U h, whose outputs are added digitally; W x is computed for all steps at once
    joined     one array [W U] for [x; h], with one input range for both

The arrays hold the weights of torch's layer with all gates side by side. Each step reads them with other noise of the
products; what programming left in them is the same at each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, TypeAlias

import torch
from torch import nn

from hwsim.hardware import Hardware
from hwsim.modules.linear import array, bias_of, weight_of

State: TypeAlias = tuple[torch.Tensor, ...]
"""What a cell hands to its next step, each `(batch, size)`; the first is its output."""


class CellWeights(NamedTuple):
    """The parameters of one cell as torch has them, gates one after the other.

    Attributes:
        input: `(gates · hidden, inputs)`.
        hidden: `(gates · hidden, outputs)`.
        input_bias: `(gates · hidden,)` or None.
        hidden_bias: `(gates · hidden,)` or None.
        projection: `(outputs, hidden)` or None.
    """

    input: torch.Tensor
    hidden: torch.Tensor
    input_bias: torch.Tensor | None = None
    hidden_bias: torch.Tensor | None = None
    projection: torch.Tensor | None = None


class RecurrentArrays(nn.Module, ABC):
    """The arrays of one cell.

    Attributes:
        hidden_size: numbers of the cell's hidden units.
        output_size: numbers of its output, other than `hidden_size` with a projection.
    """

    def __init__(self, weights: CellWeights, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.output_size = weights.hidden.shape[1]

    @abstractmethod
    def given(self, inputs: torch.Tensor) -> State:
        """Return what of a step depends on the inputs alone, `(..., size)` each, for inputs `(batch, ..., inputs)`."""

    @abstractmethod
    def step(self, given: State, state: State) -> State:
        """Return the next state, from what `given` returns for one step, `(batch, size)` each."""

    @abstractmethod
    def torch_weights(self) -> CellWeights:
        """Return the parameters as torch has them, each trained if its array is."""


class Gates(nn.Module):
    """``W x + U h + b``, on two arrays or on one.

    Attributes:
        input: array of W; absent where one holds both.
        hidden: array of U; likewise.
        both: array of [W U]; absent where there are two.
    """

    def __init__(self, weights: CellWeights, hardware: Hardware) -> None:
        super().__init__()
        self.input_size = weights.input.shape[1]
        self.is_joined = hardware.tile.recurrent == "joined"
        if self.is_joined:
            biases = [bias for bias in (weights.input_bias, weights.hidden_bias) if bias is not None]
            bias = torch.stack([bias.detach() for bias in biases]).sum(0) if biases else None
            both = torch.cat([weights.input.detach(), weights.hidden.detach()], 1)
            trained = weights.input.requires_grad or weights.hidden.requires_grad
            self.both = array(both, bias, hardware, trained)
        else:
            self.input = array(weights.input, weights.input_bias, hardware)
            self.hidden = array(weights.hidden, weights.hidden_bias, hardware)

    @property
    def runs_compiled(self) -> bool:
        """Whether the arrays run as compiled kernels."""
        return (self.both if self.is_joined else self.hidden).runs_compiled

    def given(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return what of the sums depends on the inputs alone: W x, or x itself for one array."""
        if self.is_joined:
            return inputs
        sums: torch.Tensor = self.input(inputs)
        return sums

    def forward(self, given: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """Return the sums of one step, `(batch, gates)`."""
        if self.is_joined:
            sums: torch.Tensor = self.both(torch.cat([given, hidden], -1))
            return sums
        return self.hidden.added_to(given, hidden)

    def torch_weights(self) -> CellWeights:
        """Return the parameters as torch has them; of one array, its bias is that of the inputs."""
        if self.is_joined:
            weight, bias = weight_of(self.both), bias_of(self.both)
            sizes = [self.input_size, weight.shape[1] - self.input_size]
            of_input, of_hidden = (
                nn.Parameter(side.clone(), weight.requires_grad)
                for side in torch.split(weight.detach(), sizes, 1)
            )
            none = None if bias is None else nn.Parameter(torch.zeros_like(bias), bias.requires_grad)
            return CellWeights(of_input, of_hidden, bias, none)
        input_, hidden = self.input, self.hidden
        return CellWeights(weight_of(input_), weight_of(hidden), bias_of(input_), bias_of(hidden))
