"""Resistive memory (HfO2) of Milo et al., 50 to 225 µS, with the non-linearity of its current over voltage.

    g = max(0, g_target + σ ξ),   σ = max(0, 4.782321 - 0.009107 g_target / µS) µS     (programming scheme IGVVA-100)
    I = g V + N_2 V² + N_3 V³,    N_2, N_3 polynomials of log10(g / S), |V| ≤ 0.5 V, accurate for 62.5 to 110 µS

The non-linearity counts where inputs are voltages: `amplitude_v` is the largest. Inputs that are durations of a pulse
at one voltage meet one conductance, and `amplitude_v` stays null. Retention was not published with these statistics:
conductances stay as they were programmed. A weight of 0 has both devices of its pair at 50 µS.

References:
    Milo et al., 2022; fitted constants as in CrossSim (Sandia National Laboratories, BSD-3-Clause).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, final

from pydantic import Field

from hwsim.devices.device import DeviceSpec, DeviceState, check_time
from hwsim.devices.pieces import pieces
from hwsim.devices.polynomial import polynomial
from hwsim.spec import Scale
from hwsim.streams import standard_normal

if TYPE_CHECKING:
    import torch

PROGRAMMING_US: Final = (4.782321, -0.009107)
"""Polynomial of the spread in g_target, low order first, µS."""
SQUARE: Final = (7.063e-3, 5.711e-3, 1.541e-3, 1.388e-4)
"""N_2, A/V², in log10(g / S), low order first."""
CUBE: Final = (1.2968e-3, 6.7919e-4, 8.8710e-5)
"""N_3, A/V³, likewise."""
LARGEST_V: Final = 0.5
SMALLEST_S: Final = 1e-6
"""Conductances are raised to this before a logarithm, S."""


class ReramMiloSpec(DeviceSpec):
    """Resistive memory of Milo et al. 2022, 50 to 225 uS."""

    kind: Literal["reram-milo2022"] = "reram-milo2022"
    noise_scale: Scale = 1.0
    """Multiple of the published spread."""
    amplitude_v: float | None = Field(default=None, gt=0, le=LARGEST_V)
    """Largest input, in V, where inputs are voltages; null where they are durations, whose currents are linear."""

    def build(self) -> ReramMilo:
        """Return the model."""
        return ReramMilo(self.noise_scale, self.amplitude_v)


@final
@dataclass(frozen=True)
class ReramMilo:
    """Milo's resistive memory.

    Attributes:
        noise_scale: multiple of the published spread.
        amplitude_v: largest input voltage, V; None for inputs that are durations.
        g_min_us: lowest conductance, µS.
        g_max_us: highest conductance, µS.
    """

    noise_scale: float = 1.0
    amplitude_v: float | None = None
    g_min_us: float = 50.0
    g_max_us: float = 225.0

    @property
    def is_nonlinear(self) -> bool:
        """Whether inputs are voltages."""
        return self.amplitude_v is not None

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return `g_us`."""
        g_us = standard_normal(g_target_us, generator)
        for target, noise in pieces(g_target_us, g_us):
            std = polynomial(PROGRAMMING_US, target).clamp_(min=0).mul_(self.noise_scale)
            noise.mul_(std).add_(target).clamp_(min=0)
        return {"g_us": g_us}

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the conductances as they were programmed, µS."""
        check_time(t_s)
        return state["g_us"].clone()

    def curvature_us(self, g_us: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return what the square and the cube of inputs from -1 to 1 are multiplied by, µS."""
        assert self.amplitude_v is not None
        logarithm = (g_us.double() * 1e-6).clamp_(min=SMALLEST_S).log10_()
        square = polynomial(SQUARE, logarithm).mul_(1e6 * self.amplitude_v)
        cube = polynomial(CUBE, logarithm).mul_(1e6 * self.amplitude_v**2)
        return square.float(), cube.float()
