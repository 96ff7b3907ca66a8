"""Soft bounds: steps shrink linearly to zero at the bound that they lead to.

    up: Δ = s_up (1 - w / b_max)      down: Δ = s_dn (1 - w / b_min)
    additive noise: Δ + s σ ξ         multiplicative noise: Δ (1 + σ ξ)

References:
    Fusi, Abbott, Limits on the memory storage capacity of bounded synapses, Nat. Neurosci. 10:485, 2007.
    Rasch et al., Fast and robust analog in-memory deep neural network training, Nat. Commun. 15:7133, 2024.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from hwsim.learning.devices.affine import AffineDevice
from hwsim.learning.devices.device import Cells

if TYPE_CHECKING:
    import torch


@final
class SoftBounds(AffineDevice):
    """A device whose steps shrink to zero at its bounds."""

    kind: Literal["soft-bounds"] = "soft-bounds"

    def cells(self, base: Cells, generator: torch.Generator) -> Cells:
        """Return the cells."""
        return self.lines(base, *soft_slopes(base))


def soft_slopes(base: Cells) -> tuple[torch.Tensor, torch.Tensor]:
    """Return 1 / b_max and 1 / b_min; of a bound on the wrong side of zero, to which no pulse leads, any number."""
    low, high = base["low"], base["high"]
    return 1 / high.where(high > 0, 1.0), 1 / low.where(low < 0, -1.0)
