"""Phase-change memory of the HERMES chip in 14 nm, with one or two devices a weight.

The equations are those of `pcm.py` with polynomials and piecewise functions of the relative conductance of
their own:

    σ_p = polynomial(r) µS,   ν = |μ(r) + s(r) ξ| once a device, r = g_target / g_max
    σ_r = Q(r_prog) sqrt(ln((t + t0 + t_r) / (2 t_r))),   t_r = 512 ns

Below a threshold, μ, s and Q are clamped linear functions of ln r; above it, polynomials of r. A pair of
devices that share a weight is one unit here: its statistics are those of the pair.

References:
    Le Gallo et al., A 64-core mixed-signal in-memory compute chip based on phase-change memory for deep
    neural network inference, Nat. Electron. 6:680, 2023.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self, final

from hwsim.devices.device import DeviceSpec, DeviceState, check_time
from hwsim.devices.pieces import pieces
from hwsim.devices.polynomial import polynomial
from hwsim.spec import Scale
from hwsim.streams import standard_normal

if TYPE_CHECKING:
    import torch

T_READ_S: Final = 512e-9
"""Width of the read pulse, s."""
G_REL_MIN: Final = 1e-7
"""Relative conductances are raised to this before a logarithm."""


@dataclass(frozen=True)
class _Piecewise:
    """``clamp(slope ln r + offset, lower, upper)`` below `threshold`, a polynomial in r above."""

    threshold: float
    slope: float
    offset: float
    lower: float
    upper: float
    polynomial: tuple[float, ...]

    def __call__(self, g_rel: torch.Tensor) -> torch.Tensor:
        below = g_rel.clamp(min=G_REL_MIN).log_().mul_(self.slope).add_(self.offset)
        below.clamp_(self.lower, self.upper)
        return below.where(g_rel < self.threshold, polynomial(self.polynomial, g_rel))


@dataclass(frozen=True)
class _Constants:
    g_max_us: float
    t0_s: float
    programming_us: tuple[float, ...]
    drift_mean: _Piecewise
    drift_std: _Piecewise
    read: _Piecewise


_DRIFT_MEAN: Final = _Piecewise(0.0945, -0.0387, -0.0182, 0.072, 0.13, (0.0736, -0.0126, -0.0436))
CONSTANTS: Final = {
    1: _Constants(
        g_max_us=10.35,
        t0_s=200.0,
        programming_us=(0.15781817, 2.32443916, -2.16310839, 0.68841818),
        drift_mean=_DRIFT_MEAN,
        drift_std=_Piecewise(0.3039, -0.0120, -0.0023, 0.0124, 0.04, (0.0104, 0.0116, -0.0165)),
        read=_Piecewise(0.1591, -0.0078, 0.0038, 0.0179, 0.04, (0.0088, 0.0768, -0.1352, 0.0664)),
    ),
    2: _Constants(
        g_max_us=20.7,
        t0_s=300.0,
        programming_us=(0.16603222, 4.71806468, -8.48101252, 4.68961419),
        drift_mean=_DRIFT_MEAN,
        drift_std=_Piecewise(0.3055, -0.0117, -0.0057, 0.0091, 0.04, (0.0073, 0.0093, -0.0118)),
        read=_Piecewise(0.16, -0.0117, -0.0069, 0.015, 0.04, (0.0123, 0.0211, -0.0280, 0.0069)),
    ),
}
"""Measured constants by devices a weight; conductances in µS, polynomials low order first."""


class HermesSpec(DeviceSpec):
    """Phase-change memory of the HERMES chip (Le Gallo et al. 2023)."""

    kind: Literal["hermes"] = "hermes"
    devices_per_weight: Literal[1, 2] = 2
    """Devices on each side of a differential pair; g_max is 10.35 or 20.7 uS."""
    programming_noise_scale: Scale = 1.0
    """Multiple of the published programming noise."""
    drift_scale: Scale = 1.0
    """Multiple of the published drift exponents."""
    read_noise_scale: Scale = 1.0
    """Multiple of the published 1/f read noise."""

    def build(self) -> Hermes:
        """Return the model."""
        scales = (self.programming_noise_scale, self.drift_scale, self.read_noise_scale)
        return Hermes(self.devices_per_weight, *scales)

    @classmethod
    def published(cls) -> dict[str, Self]:
        """Return one and two devices a weight."""
        return {"hermes-1": cls(devices_per_weight=1), "hermes-2": cls(devices_per_weight=2)}


@final
@dataclass(frozen=True)
class Hermes:
    """HERMES phase-change memory; the scales multiply the published noise, drift and read noise.

    Attributes:
        devices_per_weight: 1 or 2 on each side of a differential pair.
    """

    devices_per_weight: Literal[1, 2]
    programming_noise_scale: float = 1.0
    drift_scale: float = 1.0
    read_noise_scale: float = 1.0

    @property
    def g_max_us(self) -> float:
        """Conductance of a weight of 1, µS."""
        return CONSTANTS[self.devices_per_weight].g_max_us

    @property
    def g_min_us(self) -> float:
        """Conductance of a weight of 0, µS."""
        return 0.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return `g_us` and the drift exponent `nu` of each device."""
        constants = CONSTANTS[self.devices_per_weight]
        state = {name: standard_normal(g_target_us, generator) for name in ("g_us", "nu")}
        for target, g_us, nu in pieces(g_target_us, state["g_us"], state["nu"]):
            g_rel = target / self.g_max_us
            std = polynomial(constants.programming_us, g_rel).mul_(self.programming_noise_scale)
            g_us.mul_(std).add_(target).clamp_(min=0)
            nu.mul_(constants.drift_std(g_rel)).add_(constants.drift_mean(g_rel)).abs_().mul_(
                self.drift_scale
            )
        return state

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the drifted conductances with one draw of 1/f read noise, µS."""
        check_time(t_s)
        constants = CONSTANTS[self.devices_per_weight]
        width = math.sqrt(math.log((t_s + constants.t0_s + T_READ_S) / (2 * T_READ_S)))
        read_us = standard_normal(state["g_us"], generator)
        for g_us, nu, noise in pieces(state["g_us"], state["nu"], read_us):
            std = constants.read(g_us / self.g_max_us).mul_(self.read_noise_scale).mul_(width)
            noise.mul_(std).add_(1).clamp_(min=0)
            noise.mul_(g_us).mul_((nu * -math.log1p(t_s / constants.t0_s)).exp_())
        return read_us
