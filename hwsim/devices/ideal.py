"""A device that takes its target exactly and keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from hwsim.devices.device import DeviceSpec, DeviceState, check_time
from hwsim.spec import Conductance

if TYPE_CHECKING:
    import torch


class IdealSpec(DeviceSpec):
    """A device that holds its target for ever."""

    kind: Literal["ideal"] = "ideal"
    g_max_us: Conductance = 25.0
    """Conductance of a weight of 1, in uS."""

    def build(self) -> Ideal:
        """Return the model."""
        return Ideal(self.g_max_us)


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
