"""A device of your own, from measured polynomials of the relative conductance r = g / g_max.

    g_prog = max(0, g_target + σ_p(r) ξ)
    g(t)   = g_prog ((t + t0) / t0)^-ν,                ν = |μ(r) + s(r) ξ| once a device
    g_read = max(0, g(t) (1 + σ_r ξ)),                 σ_r = Q(r_prog) sqrt(ln((t + t0 + t_r) / (2 t_r)))

The same equations as phase-change memory; a device that does not drift has ``drift_mean = [0]``. Standard
deviations below zero count as zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, final

from pydantic import Field

from hwsim.devices.device import LATEST_S, DeviceSpec, DeviceState, check_time
from hwsim.devices.pieces import pieces
from hwsim.spec import Coefficients, Conductance, Seconds
from hwsim.streams import standard_normal

if TYPE_CHECKING:
    import torch


class PolynomialSpec(DeviceSpec):
    """A device of your own: polynomials of the relative conductance, low order first."""

    kind: Literal["polynomial"] = "polynomial"
    g_max_us: Conductance
    """Conductance of a weight of 1, in uS."""
    programming_us: Coefficients
    """Standard deviation of programming, in uS."""
    drift_mean: Coefficients = (0.0,)
    """Mean of the drift exponent."""
    drift_std: Coefficients = (0.0,)
    """Standard deviation of the drift exponent over devices."""
    read_noise: Coefficients = (0.0,)
    """Q of the 1/f read noise."""
    t0_s: Seconds = Field(default=20.0, ge=1e-9, le=1e9)
    """Time between programming and the first reference read, in s."""
    t_read_s: float = Field(default=250e-9, ge=1e-12, le=1e3)
    """Width of the read pulse, in s."""
    latest_s: Seconds | None = Field(default=None, gt=0)
    """End of the validity range, in s or a text such as `1 year`; null for none."""

    def build(self) -> PolynomialDevice:
        """Return the model."""
        latest_s = math.inf if self.latest_s is None else self.latest_s
        return PolynomialDevice(**self.model_dump(exclude={"kind", "latest_s"}), latest_s=latest_s)

    @classmethod
    def published(cls) -> dict[str, Self]:
        """Return none."""
        return {}


def polynomial(coefficients: tuple[float, ...], x: torch.Tensor) -> torch.Tensor:
    """Return the polynomial with `coefficients`, low order first, by Horner's rule."""
    total = x.new_full(x.shape, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total.mul_(x).add_(coefficient)
    return total


@final
@dataclass(frozen=True)
class PolynomialDevice:
    """A device from polynomial coefficients.

    Attributes:
        g_max_us: conductance of a weight of 1, µS.
        programming_us: σ_p in r, µS.
        drift_mean: μ in r.
        drift_std: s in r.
        read_noise: Q in r of the programmed conductance.
        t0_s: time between programming and the first reference read, s.
        t_read_s: width of the read pulse, s.
        latest_s: end of the validity range, s.
    """

    g_max_us: float
    programming_us: Coefficients
    drift_mean: Coefficients
    drift_std: Coefficients
    read_noise: Coefficients
    t0_s: float
    t_read_s: float
    latest_s: float

    @property
    def g_min_us(self) -> float:
        """Conductance of a weight of 0, µS."""
        return 0.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return `g_us` and the drift exponent `nu` of each device."""
        state = {name: standard_normal(g_target_us, generator) for name in ("g_us", "nu")}
        for target, g_us, nu in pieces(g_target_us, state["g_us"], state["nu"]):
            g_rel = target / self.g_max_us
            std = polynomial(self.programming_us, g_rel).clamp_(min=0)
            g_us.mul_(std).add_(target).clamp_(min=0)
            nu.mul_(polynomial(self.drift_std, g_rel).clamp_(min=0)).add_(
                polynomial(self.drift_mean, g_rel)
            ).abs_()
        return state

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the drifted conductances with one draw of 1/f read noise, µS.

        Raises:
            ValueError: for a time after `latest_s`.
        """
        limit = min(self.latest_s, LATEST_S)
        check_time(t_s, limit, "the device's `latest_s`" if limit == self.latest_s else "")
        width = math.sqrt(max(0.0, math.log((t_s + self.t0_s + self.t_read_s) / (2 * self.t_read_s))))
        read_us = standard_normal(state["g_us"], generator)
        for g_us, nu, noise in pieces(state["g_us"], state["nu"], read_us):
            std = polynomial(self.read_noise, g_us / self.g_max_us).clamp_(min=0).mul_(width)
            noise.mul_(std).add_(1).clamp_(min=0)
            noise.mul_(g_us).mul_((nu * -math.log1p(t_s / self.t0_s)).exp_())
        return read_us
