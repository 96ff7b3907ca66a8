"""Exponential step: steps change exponentially with the weight, as fitted to ReRAM and phase-change memory.

    z = 2 a w / (b_max - b_min) + b
    up:   y = max(1 - A_up exp(γ_up z), 0),     w += y s_up + σ(..) ξ
    down: y = max(1 - A_dn exp(-γ_dn z), 0),    w -= y s_dn + σ(..) ξ
    σ(Δ, w) = σ (|Δ| + noise_add + noise_slope |w|)

The granularity is the mean of both steps at w = 0.

References:
    Gong et al., Signal and noise extraction from analog memory elements for neuromorphic computing, Nat. Commun.
    9:2102, 2018.
    Nandakumar et al., Mixed-precision deep learning based on computational memory, Front. Neurosci. 14:406, 2020.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, final

from pydantic import Field

from hwsim.learning.devices.device import Cells, Factor, PulsedDevice

if TYPE_CHECKING:
    import torch


@final
class ExponentialStep(PulsedDevice):
    """A device whose steps change exponentially with its weight."""

    kind: Literal["exponential"] = "exponential"
    a: float = Field(default=0.244, ge=-100, le=100)
    """Slope of the exponent's argument."""
    b: float = Field(default=0.2425, ge=-100, le=100)
    """Offset of the exponent's argument."""
    a_up: float = Field(default=0.00081, ge=-1e6, le=1e6)
    """Factor of the exponential, up."""
    a_down: float = Field(default=0.36833, ge=-1e6, le=1e6)
    """Factor of the exponential, down."""
    gamma_up: float = Field(default=12.44625, ge=-100, le=100)
    """Exponent, up."""
    gamma_down: float = Field(default=12.78785, ge=-100, le=100)
    """Exponent, down."""
    noise_add: Factor = 0.0
    """Size that is added to that of the step for its noise, in units of the weight."""
    noise_slope: Factor = 0.0
    """Part of the weight that is added to the size of the step for its noise."""

    @property
    def granularity(self) -> float:
        """Mean of the steps up and down of a mean cell at weight 0."""
        up = (
            self.step
            * (1 + min(self.up_down, 0.0))
            * max(1 - self.a_up * math.exp(self.gamma_up * self.b), 0.0)
        )
        down = (
            self.step
            * (1 - max(self.up_down, 0.0))
            * max(1 - self.a_down * math.exp(-self.gamma_down * self.b), 0.0)
        )
        return (up + down) / 2

    def cells(self, base: Cells, generator: torch.Generator) -> Cells:
        """Return the cells; `scale` is 2 a / (b_max - b_min)."""
        width = base["high"] - base["low"]
        return {**base, "scale": (2 * self.a) / width.where(width > 0, 1.0)}

    def up(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean increase of `w` by one pulse up."""
        exponential = exp((w * cells["scale"] + self.b) * self.gamma_up)
        return cells["s_up"] * (1 - exponential * self.a_up).clamp(min=0)

    def down(self, w: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the mean decrease of `w` by one pulse down."""
        exponential = exp((w * cells["scale"] + self.b) * -self.gamma_down)
        return cells["s_dn"] * (1 - exponential * self.a_down).clamp(min=0)

    def noise(self, w: torch.Tensor, change: torch.Tensor, up: torch.Tensor, cells: Cells) -> torch.Tensor:
        """Return the standard deviation of one step."""
        return (change.abs() + self.noise_add + w.abs() * self.noise_slope) * self.cycle_noise


LOG2_E, LN2_HIGH, LN2_LOW = 1.44269504, 0.693359375, -2.12194440e-4
COEFFICIENTS = (
    1.9875691500e-4,
    1.3981999507e-3,
    8.3334519073e-3,
    4.1665795894e-2,
    1.6666665459e-1,
    5.0000001201e-1,
)
"""Minimax polynomial of (exp(r) - 1 - r) / r² for |r| <= ln 2 / 2 (Cephes), high order first."""


def exp(x: torch.Tensor) -> torch.Tensor:
    """Return exp(x) to about one unit in the last place, by the operations of the compiled kernel, one by one."""
    import torch

    x = x.clamp(-87.0, 88.0)
    n = (x * LOG2_E).round()
    r = x - n * LN2_HIGH
    r = r - n * LN2_LOW
    y = torch.full_like(r, COEFFICIENTS[0])
    for coefficient in COEFFICIENTS[1:]:
        y = y * r + coefficient
    y = y * (r * r) + r + 1
    return y * ((n.to(torch.int32) + 127) << 23).view(torch.float32)
