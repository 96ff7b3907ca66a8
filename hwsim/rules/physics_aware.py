"""Physics-aware training: forward on the device, backward through the model at what was measured.

The gradient of each layer is taken where the device really is, so that errors of the model do not add up. The model
needs to give a gradient within 90° of the true one, not an accurate forward pass. Where the model is the device, it is
backpropagation.

References:
    Wright et al., Deep physical neural networks trained with backpropagation, Nature 601:549, 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch

from hwsim.rules.rule import OutputRule, inner_products, products
from hwsim.rules.system import Modelled


@final
class PhysicsAware(OutputRule):
    """Measured forward passes, the model's backward passes."""

    needs = (Modelled,)

    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = self.loss(system.measured_with_model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return loss

    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return those of errors and weights."""
        return batch * (products(widths) + inner_products(widths))
