"""Power step: steps shrink with a power of the distance to the bound.

    up:   Δ = s_up ((b_max - w) / (b_max - b_min))^γ_up
    down: Δ = s_dn ((w - b_min) / (b_max - b_min))^γ_dn,      each times (1 + σ ξ)

At w = 0, half the range from each bound, a step is step · 0.5^γ: the granularity.

References:
    Fusi, Abbott, Limits on the memory storage capacity of bounded synapses, Nat. Neurosci. 10:485, 2007.
    Frascaroli et al., Evidence of soft bound behaviour in analogue memristive devices, Sci. Rep. 8:7178, 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from pydantic import Field

from hwsim.learning.devices.device import Cells, PulsedDevice, Spread, normal

if TYPE_CHECKING:
    import torch


@final
class PowerStep(PulsedDevice):
    """A device whose steps shrink with a power of the distance to its bounds."""

    kind: Literal["power"] = "power"
    gamma: float = Field(default=1.0, ge=0, le=20)
    """Exponent."""
    gamma_spread: Spread = 0.0
    """Variation of the exponent over cells, relative."""
    gamma_up_down: float = Field(default=0.0, gt=-1, lt=1)
    """Asymmetry of the exponent, relative: positive makes that of steps up larger."""
    gamma_up_down_spread: Spread = 0.0
    """Variation of that asymmetry over cells."""

    @property
    def granularity(self) -> float:
        """Mean step of a mean cell at the centre of its range."""
        return float(self.step * 0.5**self.gamma)

    def cells(self, base: Cells, generator: torch.Generator) -> Cells:
        """Return the cells with both exponents."""
        shape = tuple(base["low"].shape)
        gain = 1 + self.gamma_spread * normal(shape, generator)
        bias = self.gamma_up_down + self.gamma_up_down_spread * normal(shape, generator)
        gamma_up, gamma_dn = (self.gamma * (gain + sign * bias).abs() for sign in (1, -1))
        return {**base, "gamma_up": gamma_up, "gamma_dn": gamma_dn}

    def up(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean increase of `w` by one pulse up."""
        return cells["s_up"] * ((cells["high"] - w) / _width(cells)).clamp(0, 1).pow(cells["gamma_up"])

    def down(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean decrease of `w` by one pulse down."""
        return cells["s_dn"] * ((w - cells["low"]) / _width(cells)).clamp(0, 1).pow(cells["gamma_dn"])


def _width(cells: Cells) -> torch.Tensor:
    width = cells["high"] - cells["low"]
    return width.where(width > 0, 1.0)
