"""Resistive memory with a conductive metal oxide (CMO/HfOx), 9 to 88.2 µS.

    g_prog = g_target + σ_p ξ,                    σ_p = c0 + c1 g_target, by the acceptance range of
    programming g(t)   = g_prog + m ln t + (a ln t + b) ξ,    m = -0.0890 µS, a = 0.0420 µS, b = 0.4118 µS
    g_read = g(t) + c log10(g(t)) sqrt(ln((t + 1e-6) / 2e-6)) ξ,   c = 0.0277 µS

Every conductance is clamped to the range of the device. Relaxation is taken as at 1 s before 1 s, where it
was not measured, and read noise as none where its logarithm is negative. The deviation ξ of a device's
relaxation is drawn once, so that its path over time is smooth; only its size was published. A weight of 0
has both devices of its pair at 9 µS, a weight of 1 spans the range.

References:
    Falcone et al., All-in-one analog AI hardware: on-chip training and inference with
    conductive-metal-oxide/HfOx ReRAM devices, Adv. Funct. Mater., 2025 (arXiv 2502.04524).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, final

from pydantic import field_validator

from hwsim.devices.device import DeviceSpec, DeviceState, check_time
from hwsim.devices.pieces import pieces
from hwsim.streams import standard_normal

if TYPE_CHECKING:
    import torch

PROGRAMMING_US: Final = {0.2: (0.00081107, 0.00106879), 2.0: (0.0112185391, 0.01129027418)}
"""Acceptance range of programming, %: c0, µS, and c1."""
RELAXATION_MEAN_US: Final = -0.08900206
RELAXATION_STD_US: Final = (0.04201137, 0.41183342)
"""Slope on ln t, and offset, of the standard deviation of relaxation."""
READ_US: Final = 0.0277316483
T_READ_S: Final = 1e-6


class ReramCmoSpec(DeviceSpec):
    """CMO/HfOx resistive memory (Falcone et al. 2025), 9 to 88.2 uS."""

    kind: Literal["reram-cmo"] = "reram-cmo"
    acceptance_percent: float = 2.0
    """How closely programming must hit its target, in %: 0.2 or 2."""

    @field_validator("acceptance_percent")
    @classmethod
    def _is_published(cls, value: float) -> float:
        if value not in PROGRAMMING_US:
            raise ValueError("`acceptance_percent` must be 0.2 or 2, the published ranges")
        return value

    def build(self) -> ReramCmo:
        """Return the model."""
        return ReramCmo(self.acceptance_percent)


@final
@dataclass(frozen=True)
class ReramCmo:
    """CMO/HfOx resistive memory.

    Attributes:
        acceptance_percent: how closely programming must hit its target, 0.2 or 2 %.
        g_min_us: lowest conductance, µS.
        g_max_us: highest conductance, µS.
    """

    acceptance_percent: float = 2.0
    g_min_us: float = 9.0
    g_max_us: float = 88.2

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return `g_us` and each device's relaxation in standard deviations, `relaxation`."""
        c0, c1 = PROGRAMMING_US[self.acceptance_percent]
        state = {name: standard_normal(g_target_us, generator) for name in ("g_us", "relaxation")}
        for target, g_us in pieces(g_target_us, state["g_us"]):
            self._clamp(g_us.mul_(target * c1 + c0).add_(target))
        return state

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the relaxed conductances with one draw of read noise, µS."""
        check_time(t_s)
        log_t = math.log(max(t_s, 1.0))
        slope, offset = RELAXATION_STD_US
        width = math.sqrt(max(0.0, math.log((t_s + T_READ_S) / (2 * T_READ_S))))
        read_us = standard_normal(state["g_us"], generator)
        for programmed, relaxation, noise in pieces(state["g_us"], state["relaxation"], read_us):
            g_us = relaxation * (slope * log_t + offset)
            g_us = self._clamp(g_us.add_(programmed).add_(RELAXATION_MEAN_US * log_t))
            self._clamp(noise.mul_(READ_US * width).mul_(g_us.log10()).add_(g_us))
        return read_us

    def _clamp(self, g_us: torch.Tensor) -> torch.Tensor:
        return g_us.clamp_(self.g_min_us, self.g_max_us)
