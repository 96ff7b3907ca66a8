"""The arrays of a GRU cell.

    r, z = σ(W x + U h + b);   n = tanh(W_n x + b_n + r (U_n h + c_n));   h' = (1 - z) n + z h

The reset gate stands between the two sums of n, so that these keep arrays of their own where r and z have one.

References:
    Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014, arXiv 1406.1078.
"""

from __future__ import annotations

from typing import final

import torch
from torch import nn

from hwsim.hardware import Hardware
from hwsim.modules.linear import array, bias_of, weight_of
from hwsim.modules.recurrent_arrays import CellWeights, Gates, RecurrentArrays, State


@final
class GruArrays(RecurrentArrays):
    """The arrays of a GRU cell; its state is (h,)."""

    def __init__(self, weights: CellWeights, hardware: Hardware, hidden_size: int) -> None:
        super().__init__(weights, hidden_size)
        n = 2 * hidden_size
        self._is_joined = hardware.tile.recurrent == "joined"
        if not self._is_joined:
            self.gates = Gates(weights, hardware)
            return
        of_gates, of_new = (
            CellWeights(*(None if value is None else value[part] for value in weights))  # type: ignore[arg-type]
            for part in (slice(n), slice(n, None))
        )
        self.gates = Gates(of_gates, hardware)
        self.new_input = array(of_new.input, of_new.input_bias, hardware)
        self.new_hidden = array(of_new.hidden, of_new.hidden_bias, hardware)

    def given(self, inputs: torch.Tensor) -> State:
        """Return what of the sums depends on the inputs alone: of the gates, and of n."""
        if self._is_joined:
            return self.gates.given(inputs), self.new_input(inputs)
        of_gates, of_new = torch.split(self.gates.given(inputs), [2 * self.hidden_size, self.hidden_size], -1)
        return torch.cat([of_gates, torch.zeros_like(of_new)], -1), of_new

    def step(self, given: State, state: State) -> State:
        """Return the next (h,)."""
        (hidden,) = state
        n = self.hidden_size
        sums = self.gates(given[0], hidden)
        if self._is_joined:
            of_gates, of_hidden = sums, self.new_hidden(hidden)
        else:
            of_gates, of_hidden = torch.split(sums, [2 * n, n], -1)
        reset, update = of_gates.sigmoid().chunk(2, -1)
        new = torch.addcmul(given[1], reset, of_hidden).tanh()
        return (torch.lerp(new, hidden, update),)

    def torch_weights(self) -> CellWeights:
        """Return the parameters as torch has them, each trained if one of its arrays is."""
        weights = self.gates.torch_weights()
        if not self._is_joined:
            return weights
        of_input, of_hidden = self.new_input, self.new_hidden
        new = CellWeights(weight_of(of_input), weight_of(of_hidden), bias_of(of_input), bias_of(of_hidden))
        joined = (
            None
            if first is None or second is None
            else nn.Parameter(
                torch.cat([first, second]).detach(), first.requires_grad or second.requires_grad
            )
            for first, second in zip(weights, new, strict=True)
        )
        return CellWeights(*joined)  # type: ignore[arg-type]
