"""A device that takes its target exactly and keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch

from hwsim.devices.device import DeviceState, check_time


@final
@dataclass(frozen=True)
class Ideal:
    """No programming noise, no drift, no read noise."""

    g_max_us: float = 25.0

    @property
    def g_min_us(self) -> float:
        """Conductance of a weight of 0, µS."""
        return 0.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return the targets as they are."""
        return {"g_us": g_target_us.clone()}

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the targets as they are, µS."""
        check_time(t_s)
        return state["g_us"].clone()
