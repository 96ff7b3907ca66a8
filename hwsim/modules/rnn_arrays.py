"""The arrays of a plain recurrent cell: ``h' = tanh(W x + U h + b)``, or a ReLU of it.

References:
    Elman, Finding structure in time, Cognit. Sci. 14:179, 1990.
"""

from __future__ import annotations

from typing import Literal, final

import torch

from hwsim.hardware import Hardware
from hwsim.modules.recurrent_arrays import CellWeights, Gates, RecurrentArrays, State


@final
class RnnArrays(RecurrentArrays):
    """The arrays of a plain recurrent cell; its state is (h,)."""

    def __init__(
        self,
        weights: CellWeights,
        hardware: Hardware,
        hidden_size: int,
        nonlinearity: Literal["tanh", "relu"],
    ) -> None:
        super().__init__(weights, hidden_size)
        self.gates = Gates(weights, hardware)
        self.nonlinearity = nonlinearity

    def given(self, inputs: torch.Tensor) -> State:
        """Return what of the sums depends on the inputs alone."""
        return (self.gates.given(inputs),)

    def step(self, given: State, state: State) -> State:
        """Return the next (h,)."""
        sums = self.gates(given[0], state[0])
        return (sums.tanh() if self.nonlinearity == "tanh" else sums.relu(),)

    def torch_weights(self) -> CellWeights:
        """Return the parameters as torch has them, each trained if its array is."""
        return self.gates.torch_weights()
