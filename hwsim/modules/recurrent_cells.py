"""`torch.nn.LSTMCell`, `GRUCell` and `RNNCell` on crossbar tiles: one step at a time, called as in torch."""

from __future__ import annotations

from abc import ABC
from typing import Any, final

import torch
from torch import nn

from hwsim.arguments import require, shown
from hwsim.hardware import Hardware
from hwsim.modules.composite import AnalogComposite, held
from hwsim.modules.gru_arrays import GruArrays
from hwsim.modules.input_types import require_like
from hwsim.modules.lstm_arrays import LstmArrays
from hwsim.modules.recurrent_arrays import CellWeights, RecurrentArrays, State
from hwsim.modules.rnn_arrays import RnnArrays


class _AnalogCell(AnalogComposite, ABC):
    """What the cells share."""

    def __init__(self, layer: nn.RNNCellBase, arrays: RecurrentArrays) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = layer.input_size, layer.hidden_size, layer.bias
        self.arrays = arrays

    def extra_repr(self) -> str:
        """Return the layer's size for `print`."""
        return f"{self.input_size}, {self.hidden_size}{'' if self.bias else ', bias=False'}"

    def _next(self, inputs: torch.Tensor, given: State | None, n_states: int) -> State:
        """Return the next states, for inputs and states with a batch or without."""
        require_like(next(self.parameters()), "inputs", inputs, "inputs must be a tensor")
        if inputs.ndim not in (1, 2) or inputs.shape[-1] != self.input_size:
            raise ValueError(
                f"inputs must be `(batch, {self.input_size})` or `({self.input_size},)`, got {tuple(inputs.shape)}"
            )
        if inputs.numel() == 0:
            raise ValueError(f"there must be at least one vector, got inputs of {tuple(inputs.shape)}")
        wanted = (*inputs.shape[:-1], self.hidden_size)
        state = (inputs.new_zeros(wanted),) * n_states if given is None else given
        for part in state:
            require_like(inputs, "states", part, "states must be tensors, or `hx` None for zeros")
            if tuple(part.shape) != wanted:
                raise ValueError(f"states must be {wanted} for these inputs, got {tuple(part.shape)}")
        is_batch = inputs.ndim == 2
        rows = inputs if is_batch else inputs.unsqueeze(0)
        state = state if is_batch else tuple(part.unsqueeze(0) for part in state)
        with held(self.arrays):
            found = self.arrays.step(self.arrays.given(rows), state)
        return found if is_batch else tuple(part.squeeze(0) for part in found)

    def _with_parameters(self, layer: nn.RNNCellBase) -> nn.Module:
        weights = self.arrays.torch_weights()
        named = zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=False)
        for name, value in named:
            if value is not None:
                setattr(layer, name, value)
        return layer.train(self.training)


@final
class AnalogLSTMCell(_AnalogCell):
    """`torch.nn.LSTMCell` on crossbar tiles."""

    def __init__(self, layer: nn.LSTMCell, hardware: Hardware) -> None:
        require(layer, nn.LSTMCell, "`layer` must be a torch.nn.LSTMCell")
        super().__init__(layer, LstmArrays(_cell_weights(layer), hardware, layer.hidden_size))

    def forward(
        self,
        input: torch.Tensor,  # noqa: A002  # as in torch
        hx: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the next (h, c)."""
        if hx is not None and (not isinstance(hx, tuple | list) or len(hx) != 2):
            raise ValueError(f"the states of an LSTM must be a pair (h, c), got {shown(hx)}")
        hidden, cell = self._next(input, hx, 2)
        return hidden, cell

    def digital(self) -> nn.Module:
        """Return the `torch.nn.LSTMCell` with the same parameters."""
        return self._with_parameters(nn.LSTMCell(self.input_size, self.hidden_size, self.bias))


@final
class AnalogGRUCell(_AnalogCell):
    """`torch.nn.GRUCell` on crossbar tiles."""

    def __init__(self, layer: nn.GRUCell, hardware: Hardware) -> None:
        require(layer, nn.GRUCell, "`layer` must be a torch.nn.GRUCell")
        super().__init__(layer, GruArrays(_cell_weights(layer), hardware, layer.hidden_size))

    def forward(self, input: torch.Tensor, hx: torch.Tensor | None = None) -> torch.Tensor:  # noqa: A002
        """Return the next h."""
        return self._next(input, None if hx is None else (hx,), 1)[0]

    def digital(self) -> nn.Module:
        """Return the `torch.nn.GRUCell` with the same parameters."""
        return self._with_parameters(nn.GRUCell(self.input_size, self.hidden_size, self.bias))


@final
class AnalogRNNCell(_AnalogCell):
    """`torch.nn.RNNCell` on crossbar tiles."""

    def __init__(self, layer: nn.RNNCell, hardware: Hardware) -> None:
        require(layer, nn.RNNCell, "`layer` must be a torch.nn.RNNCell")
        nonlinearity: Any = layer.nonlinearity
        super().__init__(layer, RnnArrays(_cell_weights(layer), hardware, layer.hidden_size, nonlinearity))
        self.nonlinearity = layer.nonlinearity

    def forward(self, input: torch.Tensor, hx: torch.Tensor | None = None) -> torch.Tensor:  # noqa: A002
        """Return the next h."""
        return self._next(input, None if hx is None else (hx,), 1)[0]

    def digital(self) -> nn.Module:
        """Return the `torch.nn.RNNCell` with the same parameters."""
        return self._with_parameters(
            nn.RNNCell(self.input_size, self.hidden_size, self.bias, self.nonlinearity)
        )


def _cell_weights(layer: nn.RNNCellBase) -> CellWeights:
    biases = (layer.bias_ih, layer.bias_hh) if layer.bias else (None, None)
    return CellWeights(layer.weight_ih, layer.weight_hh, *biases)
