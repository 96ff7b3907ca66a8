"""Backpropagation on the device: errors go back through the transposed arrays, and no model is needed.

A crossbar multiplies voltages on its columns by the transposed weights. The gradient of the weights is the product of
measured inputs and errors, which the optimisers of `hwsim.learning` write by pulses.

References:
    Gokmen, Vlasov, Acceleration of deep neural network training with resistive cross-point devices, Front. Neurosci.
    10:333, 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch

from hwsim.rules.rule import OutputRule, products
from hwsim.rules.system import Reciprocal


@final
class InSituBackpropagation(OutputRule):
    """Forward and backward passes through the same arrays."""

    needs = (Reciprocal,)

    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = self.loss(system.measured_both_ways(x), y)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return loss

    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return those of the weights."""
        return batch * products(widths)
