"""Charge-trap memory (SONOS) in 40 nm, from 0 to 5 days after programming.

A device conducts a current I in nA at the read voltage; 3,200 nA are 16 µS. For a target I, t days after programming:

    I'(t)  = max(0, I + Σ_k p_k(t) I^k),   k = 0 … 10, and I' = I right after programming
    I_t    = max(0, I'(t) + A(t) (1 - exp(-I'(t) / B(t))) ξ)
    I_read = max(0, I_t + A_n (1 - exp(-I_t / B_n)) ξ_n)

A, B and p were fitted for whole days; between them they are interpolated linearly. The deviation ξ of a device is
drawn once, so that its path over time is smooth: only its size was published. Read noise is drawn at each reading, and
stays as it is for the products of that inference. Polynomials hold up to 1,800 nA, 9 µS: a device that is used above is
only read at 0 s.

References:
    Agrawal et al., IEDM, 2022; fitted constants as in CrossSim (Sandia National Laboratories, BSD-3-Clause).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, TypeAlias, final

from pydantic import Field

from hwsim.devices.device import DeviceSpec, DeviceState, check_time
from hwsim.devices.pieces import pieces
from hwsim.devices.polynomial import polynomial
from hwsim.durations import DAY_S
from hwsim.spec import Scale
from hwsim.streams import standard_normal

if TYPE_CHECKING:
    import torch

NA_PER_US: Final = 200.0
"""Current of one µS at the read voltage of 0.2 V, nA."""
LARGEST_DRIFTING_US: Final = 9.0
"""1,800 nA: the polynomials over time were fitted up to here."""
READ_NA: Final = (12.58037, 215.36557)
"""A_n and B_n of the read noise, nA."""


class _Day(NamedTuple):
    spread_na: float
    scale_na: float
    shift: tuple[float, ...]


DAYS: Final = (
    _Day(19.88665, 176.3115, (0.0,) * 11),
    _Day(
        25.59102,
        186.85544,
        (
            *(1.72684e-1, 5.72552e-2, -6.85715e-4, 3.50271e-6, -9.37682e-9, 1.40575e-11),
            *(-1.19803e-14, 5.41293e-18, -8.85448e-22, -1.66869e-25, 5.95180e-29),
        ),
    ),
    _Day(
        28.72753,
        193.56834,
        (
            *(2.50712e-1, 6.62195e-2, -6.83218e-4, 2.99442e-6, -6.78255e-9, 7.70482e-12),
            *(-3.04983e-15, -2.15919e-18, 2.94617e-21, -1.23359e-24, 1.85329e-28),
        ),
    ),
    _Day(
        31.04318,
        198.90332,
        (
            *(-1.75300e-2, 9.76883e-2, -9.63791e-4, 4.55551e-6, -1.22391e-8, 1.93786e-11),
            *(-1.85899e-14, 1.07659e-17, -3.58211e-21, 5.96785e-25, -3.30410e-29),
        ),
    ),
    _Day(
        33.76214,
        204.77023,
        (
            *(4.03338e-2, 1.03111e-1, -1.04740e-3, 4.83961e-6, -1.28132e-8, 1.99484e-11),
            *(-1.85139e-14, 1.00008e-17, -2.84944e-21, 3.01008e-25, 1.18747e-29),
        ),
    ),
    _Day(
        34.57909,
        207.34309,
        (
            *(3.19927e-1, 1.06596e-1, -1.04054e-3, 4.50290e-6, -1.10352e-8, 1.56477e-11),
            *(-1.27592e-14, 5.45513e-18, -7.26841e-22, -2.43893e-25, 7.14608e-29),
        ),
    ),
)
"""A, nA, B, nA, and p_0 … p_10 of 0, 1, … 5 days after programming."""

SonosRange: TypeAlias = Annotated[float, Field(ge=1e-3, le=16.0)]


class SonosSpec(DeviceSpec):
    """Charge-trap memory (SONOS, Agrawal et al. 2022), valid for 5 days."""

    kind: Literal["sonos-agrawal2022"] = "sonos-agrawal2022"
    g_max_us: SonosRange = LARGEST_DRIFTING_US
    """Conductance of a weight of 1, in uS; above 9 only right after programming."""
    programming_noise_scale: Scale = 1.0
    """Multiple of the published spread."""
    drift_scale: Scale = 1.0
    """Multiple of the published shift of the mean."""
    read_noise_scale: Scale = 1.0
    """Multiple of the published read noise."""

    def build(self) -> Sonos:
        """Return the model."""
        return Sonos(self.g_max_us, self.programming_noise_scale, self.drift_scale, self.read_noise_scale)


@final
@dataclass(frozen=True)
class Sonos:
    """SONOS memory; the scales multiply the published spread, shift of the mean and read noise."""

    g_max_us: float = LARGEST_DRIFTING_US
    programming_noise_scale: float = 1.0
    drift_scale: float = 1.0
    read_noise_scale: float = 1.0

    @property
    def g_min_us(self) -> float:
        """Conductance of a weight of 0, µS."""
        return 0.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return `g_us`, the `target_us`, and each device's `deviation` in standard deviations."""
        state = {"target_us": g_target_us.clone(), "deviation": standard_normal(g_target_us, generator)}
        g_us = g_target_us.clone()
        for target, deviation, out in pieces(state["target_us"], state["deviation"], g_us):
            out.copy_(self._settled_na(target, deviation, DAYS[0]).div_(NA_PER_US))
        return {"g_us": g_us, **state}

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the conductances at `t_s` with one draw of read noise, µS.

        Raises:
            ValueError: later than 5 days, or at all for a device above 9 µS, where nothing was measured.
        """
        latest_s = 5 * DAY_S if self.g_max_us <= LARGEST_DRIFTING_US else 0.0
        source = "SONOS of Agrawal et al. 2022 was measured for 5 days, up to `g_max_us` 9"
        check_time(t_s, latest_s, source)
        day, spread, scale = _at(t_s), *READ_NA
        read_us = standard_normal(state["g_us"], generator)
        for target, deviation, noise in pieces(state["target_us"], state["deviation"], read_us):
            settled = self._settled_na(target, deviation, day)
            std = (settled / -scale).expm1_().mul_(-spread * self.read_noise_scale)
            noise.copy_(std.mul_(noise).add_(settled).clamp_(min=0).div_(NA_PER_US))
        return read_us

    def _settled_na(self, target_us: torch.Tensor, deviation: torch.Tensor, day: _Day) -> torch.Tensor:
        """Return I_t, nA, in float64: terms of the polynomial nearly cancel."""
        current = target_us.double() * NA_PER_US
        mean = polynomial(day.shift, current).mul_(self.drift_scale).add_(current).clamp_(min=0)
        std = (mean / -day.scale_na).expm1_().mul_(-day.spread_na * self.programming_noise_scale)
        return std.mul_(deviation).add_(mean).clamp_(min=0)


def _at(t_s: float) -> _Day:
    """Return the constants at a time, interpolated between days."""
    days = t_s / DAY_S
    before = min(int(days), len(DAYS) - 2)
    share, early, late = days - before, DAYS[before], DAYS[before + 1]
    return _Day(
        early.spread_na + share * (late.spread_na - early.spread_na),
        early.scale_na + share * (late.scale_na - early.scale_na),
        tuple(one + share * (other - one) for one, other in zip(early.shift, late.shift, strict=True)),
    )
