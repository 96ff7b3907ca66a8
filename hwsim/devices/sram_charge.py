"""Static memory whose capacitors share charge: exact bits, and capacitors that do not match.

The magnitude of a weight has `bits` bits, k = round((2^bits - 1) g_target / g_max) = Σ_j b_j 2^j. Each bit is a cell
with a capacitor of its own:

    g = g_max Σ_j b_j 2^j max(0, 1 + σ ξ_j) / (2^bits - 1)

σ is the mismatch of one cell, ξ_j is drawn once for a chip: nothing drifts, and nothing fluctuates. A capacitor has no
conductance; g_max is 1 µS so that it counts as the others do. Noise of the read-out and its ADC are those of the tile.
Neither `bits` nor `mismatch` has a default: they differ from design to design.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, final

from pydantic import Field

from hwsim.devices.device import DeviceSpec, DeviceState, check_time
from hwsim.devices.pieces import pieces
from hwsim.streams import standard_normal

if TYPE_CHECKING:
    import torch


class SramChargeSpec(DeviceSpec):
    """Static memory with charge sharing: exact bits on capacitors that do not match."""

    kind: Literal["sram-charge"] = "sram-charge"
    bits: int = Field(ge=1, le=16)
    """Bits of the magnitude of a weight, a cell each."""
    mismatch: float = Field(ge=0, le=1)
    """Standard deviation of the capacitor of a cell over its mean."""

    def build(self) -> SramCharge:
        """Return the model."""
        return SramCharge(self.bits, self.mismatch)

    @classmethod
    def published(cls) -> dict[str, Self]:
        """Return none."""
        return {}


@final
@dataclass(frozen=True)
class SramCharge:
    """Static memory with charge sharing.

    Attributes:
        bits: of the magnitude of a weight.
        mismatch: standard deviation of a capacitor over its mean.
        g_min_us: of a weight of 0, µS.
        g_max_us: of a weight of 1, µS.
    """

    bits: int
    mismatch: float
    g_min_us: float = 0.0
    g_max_us: float = 1.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return `g_us`."""
        steps = 2**self.bits - 1
        word = (g_target_us * (steps / self.g_max_us)).round_()
        g_us = g_target_us.new_zeros(g_target_us.shape)
        for place in range(self.bits):
            cell = standard_normal(g_target_us, generator)
            for of_word, capacitor, total in pieces(word, cell, g_us):
                bit = (of_word / 2**place).floor_().remainder_(2)
                capacitor.mul_(self.mismatch).add_(1).clamp_(min=0)
                total.add_(capacitor.mul_(bit), alpha=self.g_max_us * 2**place / steps)
        return {"g_us": g_us}

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return what was programmed, µS."""
        check_time(t_s)
        return state["g_us"].clone()
