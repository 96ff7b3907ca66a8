"""In silico training: the model is trained, its parameters are then written to the device.

Errors of the model add up over layers, and the device never tells. Hardware-aware training (`hwsim.HwaTraining`) is the
same with noise in the model's forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch

from hwsim.rules.rule import OutputRule, inner_products, products
from hwsim.rules.system import Modelled


@final
class InSilico(OutputRule):
    """Backpropagation in the model; the device only serves."""

    needs = (Modelled,)

    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = self.loss(system.model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return loss

    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return those of a forward pass, errors and weights."""
        return batch * (2 * products(widths) + inner_products(widths))
