"""Resistive memory (HfOx) of the NeuRRAM chip, from 1 s to 2 days after programming.

    g(t) = max(0, g_target + σ(t) ξ),   σ(t) = polynomial of 4th order in r = g_target / g_max

σ is given at 1 s, 1 day and 2 days; between them it is interpolated linearly in ln t, and before 1 s it is
that of 1 s. The deviation is drawn again at each time, because only its size was published: how a device's
deviations at two times are related is not modelled.

References:
    Wan et al., A compute-in-memory chip based on resistive random-access memory, Nature 608:504, 2022.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, final

from hwsim.devices.device import DeviceSpec, DeviceState, check_time
from hwsim.devices.pieces import pieces
from hwsim.devices.polynomial import polynomial
from hwsim.durations import DAY_S
from hwsim.spec import Conductance, Scale
from hwsim.streams import standard_normal

if TYPE_CHECKING:
    import torch

SPREAD_US: Final = (
    (1.0, (0.348, 16.030, -43.853, 45.393, -16.815)),
    (DAY_S, (0.701, 22.086, -50.773, 47.095, -16.458)),
    (2 * DAY_S, (0.782, 20.274, -43.507, 37.062, -11.934)),
)
"""Time, s, and polynomial in g_rel of σ, low order first, µS."""
G_REFERENCE_US: Final = 40.0
"""g_max of the measurement, µS; σ scales with it."""


class ReramWanSpec(DeviceSpec):
    """Resistive memory of the NeuRRAM chip (Wan et al. 2022), valid for 2 days."""

    kind: Literal["reram-wan2022"] = "reram-wan2022"
    g_max_us: Conductance = 40.0
    """Conductance of a weight of 1, in uS."""
    noise_scale: Scale = 1.0
    """Multiple of the published spread."""

    def build(self) -> ReramWan:
        """Return the model."""
        return ReramWan(self.g_max_us, self.noise_scale)


@final
@dataclass(frozen=True)
class ReramWan:
    """NeuRRAM's resistive memory; `noise_scale` multiplies the published spread."""

    g_max_us: float = 40.0
    noise_scale: float = 1.0

    @property
    def g_min_us(self) -> float:
        """Conductance of a weight of 0, µS."""
        return 0.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return `g_us` as it is 1 s after programming, and the `target_us`."""
        state = {"target_us": g_target_us.clone()}
        return {"g_us": self.read(state, 1.0, generator), **state}

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return one draw of the conductances at `t_s`, µS.

        Raises:
            ValueError: later than 2 days, where nothing was measured.
        """
        check_time(t_s, 2 * DAY_S, "ReRAM of Wan et al. 2022 was measured for 2 days")
        read_us = standard_normal(state["target_us"], generator)
        for target, noise in pieces(state["target_us"], read_us):
            std = self._spread(target / self.g_max_us, max(t_s, SPREAD_US[0][0]))
            noise.mul_(std).add_(target).clamp_(min=0)
        return read_us

    def _spread(self, g_rel: torch.Tensor, t_s: float) -> torch.Tensor:
        for (early_s, early), (late_s, late) in pairwise(SPREAD_US):
            if t_s <= late_s:
                share = math.log(t_s / early_s) / math.log(late_s / early_s)
                spread = polynomial(early, g_rel).lerp(polynomial(late, g_rel), share)
                return spread.mul_(self.noise_scale * self.g_max_us / G_REFERENCE_US)
        raise AssertionError("times later than the last are rejected before")
