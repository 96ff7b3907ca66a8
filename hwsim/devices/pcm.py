"""Doped-GST phase-change memory in 90 nm, measured on 10,000 devices.

    r      = g_target / g_max
    g_prog = max(0, g_target + σ_p ξ),   σ_p = (0.26348 + 1.9650 r - 1.1731 r²) g_max / 25 µS
    g(t)   = g_prog ((t + t0) / t0)^-ν,  ν = |μ + s ξ| once a device, μ and s functions of r
    g_read = max(0, g(t) (1 + σ_r ξ)),   σ_r = Q sqrt(ln((t + t0 + t_r) / (2 t_r))),   Q a function of g_prog

Not modelled: temperature, the dependence of ν on the read time, correlations between neighbouring devices.

References:
    Nandakumar et al., Phase-change memory models for deep learning training and inference, ICECS 2019.
    Joshi et al., Accurate deep neural network inference using computational phase-change memory,
    Nat. Commun. 11:2473, 2020, arXiv 1906.03138.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, final

from hwsim.devices.device import DeviceSpec, DeviceState, check_time
from hwsim.devices.pieces import pieces
from hwsim.spec import Conductance, Scale
from hwsim.streams import standard_normal

if TYPE_CHECKING:
    import torch

G_REFERENCE_US: Final = 25.0
"""g_max of the measurement, µS; programming noise scales with it."""
PROGRAMMING_US: Final = (0.26348, 1.9650, -1.1731)
"""Programming noise polynomial in g_rel, low order first, µS."""
DRIFT_MEAN: Final = (-0.0155, 0.0244, 0.049, 0.1)
"""Mean drift exponent: slope on ln g_rel, offset, lower and upper clamp."""
DRIFT_STD: Final = (-0.0125, -0.0059, 0.008, 0.045)
"""Standard deviation of the drift exponent over devices: slope on ln g_rel, offset, clamps."""
T0_S: Final = 20.0
"""Time between programming and the first reference read, s."""
T_READ_S: Final = 250e-9
"""Width of the read pulse, s."""
Q_COEFFICIENT: Final = 0.0088
Q_EXPONENT: Final = 0.65
Q_MAX: Final = 0.2
G_REL_MIN: Final = 1e-7
"""Relative conductances are raised to this before a logarithm."""


class PcmSpec(DeviceSpec):
    """Phase-change memory of Nandakumar et al. 2019 and Joshi et al. 2020."""

    kind: Literal["pcm"] = "pcm"
    g_max_us: Conductance = 25.0
    """Conductance of a weight of 1, in uS."""
    programming_noise_scale: Scale = 1.0
    """Multiple of the published programming noise."""
    drift_scale: Scale = 1.0
    """Multiple of the published drift exponents."""
    read_noise_scale: Scale = 1.0
    """Multiple of the published 1/f read noise."""

    def build(self) -> Pcm:
        """Return the model."""
        return Pcm(self.g_max_us, self.programming_noise_scale, self.drift_scale, self.read_noise_scale)


def _log_linear(log_g_rel: torch.Tensor, constants: tuple[float, float, float, float]) -> torch.Tensor:
    slope, offset, lower, upper = constants
    return (log_g_rel * slope).add_(offset).clamp_(lower, upper)


@final
@dataclass(frozen=True)
class Pcm:
    """Phase-change memory; the scales multiply the published noise, drift and read noise."""

    g_max_us: float = 25.0
    programming_noise_scale: float = 1.0
    drift_scale: float = 1.0
    read_noise_scale: float = 1.0

    @property
    def g_min_us(self) -> float:
        """Conductance of a weight of 0, µS."""
        return 0.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return `g_us` and the drift exponent `nu` of each device."""
        c0, c1, c2 = PROGRAMMING_US
        scale = self.programming_noise_scale * self.g_max_us / G_REFERENCE_US
        state = {name: standard_normal(g_target_us, generator) for name in ("g_us", "nu")}
        for target, g_us, nu in pieces(g_target_us, state["g_us"], state["nu"]):
            g_rel = target / self.g_max_us
            std = (g_rel * c2).add_(c1).mul_(g_rel).add_(c0).mul_(scale)
            g_us.mul_(std).add_(target).clamp_(min=0)
            log_g_rel = g_rel.clamp_(min=G_REL_MIN).log_()
            nu.mul_(_log_linear(log_g_rel, DRIFT_STD)).add_(_log_linear(log_g_rel, DRIFT_MEAN)).abs_()
            nu.mul_(self.drift_scale)
        return state

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the drifted conductances with one draw of 1/f read noise, µS."""
        check_time(t_s)
        scale = self.read_noise_scale * math.sqrt(math.log((t_s + T0_S + T_READ_S) / (2 * T_READ_S)))
        read_us = standard_normal(state["g_us"], generator)
        for g_us, nu, noise in pieces(state["g_us"], state["nu"], read_us):
            relative = (g_us / self.g_max_us).pow_(Q_EXPONENT).clamp_(min=1e-3)
            std = relative.reciprocal_().mul_(Q_COEFFICIENT).clamp_(max=Q_MAX).mul_(scale)
            noise.mul_(std).add_(1).clamp_(min=0)
            noise.mul_(g_us).mul_((nu * -math.log1p(t_s / T0_S)).exp_())
        return read_us
