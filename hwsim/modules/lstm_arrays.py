"""The arrays of an LSTM cell, with or without a projection of its output.

    i, f, g, o = W x + U h + b;   c' = σ(f) c + σ(i) tanh(g);   h' = P σ(o) tanh(c')

References:
    Hochreiter, Schmidhuber, Long short-term memory, Neural Comput. 9:1735, 1997.
    Sak, Senior, Beaufays, Long short-term memory based recurrent neural network architectures, arXiv 1402.1128,
    2014 (P).
"""

from __future__ import annotations

from typing import final

import torch

from hwsim.hardware import Hardware
from hwsim.kernels.recurrent import lstm
from hwsim.modules.linear import array, weight_of
from hwsim.modules.recurrent_arrays import CellWeights, Gates, RecurrentArrays, State


@final
class LstmArrays(RecurrentArrays):
    """The arrays of an LSTM cell; its state is (h, c)."""

    def __init__(self, weights: CellWeights, hardware: Hardware, hidden_size: int) -> None:
        super().__init__(weights, hidden_size)
        self.gates = Gates(weights, hardware)
        self.projection = None if weights.projection is None else array(weights.projection, None, hardware)

    def given(self, inputs: torch.Tensor) -> State:
        """Return what of the gates' sums depends on the inputs alone."""
        return (self.gates.given(inputs),)

    def step(self, given: State, state: State) -> State:
        """Return the next (h, c)."""
        hidden, cell = state
        sums = self.gates(given[0], hidden)
        if self.gates.runs_compiled:
            output, cell = lstm(sums, cell)
            return output if self.projection is None else self.projection(output), cell
        n = self.hidden_size
        # one split, whose gradient is one concatenation; slices would each have the gradient of the whole
        i_and_f, g, o = torch.split(sums, [2 * n, n, n], -1)
        i, f = i_and_f.sigmoid().chunk(2, -1)
        cell = torch.addcmul(f * cell, i, g.tanh())
        output = o.sigmoid() * cell.tanh()
        return output if self.projection is None else self.projection(output), cell

    def torch_weights(self) -> CellWeights:
        """Return the parameters as torch has them, each trained if its array is."""
        weights = self.gates.torch_weights()
        if self.projection is None:
            return weights
        return weights._replace(projection=weight_of(self.projection))
