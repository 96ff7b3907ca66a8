"""Constant step: every pulse moves the weight by the same amount, until a bound.

    up: w += s_up (1 + σ ξ)      down: w -= s_dn (1 + σ ξ)

References:
    Gokmen, Vlasov, Acceleration of deep neural network training with resistive cross-point devices, Front.
    Neurosci. 10:333, 2016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from hwsim.learning.devices.affine import AffineDevice
from hwsim.learning.devices.device import Cells

if TYPE_CHECKING:
    import torch


@final
class ConstantStep(AffineDevice):
    """A device whose steps do not depend on its weight."""

    kind: Literal["constant"] = "constant"

    def cells(self, base: Cells, generator: torch.Generator) -> Cells:
        """Return the cells."""
        return self.lines(base, base["s_up"] * 0, base["s_dn"] * 0)
