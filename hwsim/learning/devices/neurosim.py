"""Devices in NeuroSim's words: conductance range, pulses, and nonlinearities of potentiation and depression.

    potentiation: G = G_min + B (1 - exp(-P / A)),    B = (G_max - G_min) / (1 - exp(-P_max / A))

With x = P / P_max and a = A / P_max, the nonlinearity is the largest distance of this curve from a straight line,

    0.099 NL = (1 - a D) / D + a ln(a D),    D = 1 - exp(-1 / a)

which gives a. The factor is that of the table a(NL) that NeuroSim is distributed with, whose entries follow from this
equation to 0.4 % (seven of them compared). One pulse is a soft-bounds step toward an asymptote outside the range:

    ΔG = (G_min + B - G) (1 - exp(-1 / A))

Depression is the mirror image. In weights from -1 to 1 this is a linear step, clipped to the range: a `LinearStep`
whose γ is the ratio of the half range to the distance of the asymptote from the centre.

References:
    Peng et al., DNN+NeuroSim V2.0: an end-to-end benchmarking framework for compute-in-memory accelerators for on-chip
    training, IEEE TCAD 40:2306, 2021, arXiv 2003.06471.
"""

from __future__ import annotations

import math

from hwsim.arguments import number, whole
from hwsim.learning.devices.linear import LinearStep
from hwsim.optional_library import needs

_TABLE = "NeuroSim's table ends there; an exponential or piecewise device takes measured steps"

STRONGEST = 9.0
"""Nonlinearity of the end of NeuroSim's table."""
PER_UNIT = 0.099
"""Largest distance from a straight line for a nonlinearity of 1."""


def shape(nonlinearity: float) -> float:
    """Return a = A / P_max of a nonlinearity; infinity for 0.

    Raises:
        ValueError: above 9 or below 0.

    Example:
        >>> round(shape(2.4), 4)
        0.4992
    """
    number("nonlinearity", nonlinearity, least=0, most=STRONGEST)
    if nonlinearity < 1e-3:  # nearer to a line than the equation can be solved for
        return math.inf
    needs("scipy", "a nonlinearity of NeuroSim's table")
    from scipy.optimize import brentq

    return float(brentq(lambda a: _distance(a) - nonlinearity * PER_UNIT, 1e-3, 1e4, xtol=1e-12))


def from_nonlinearity(
    *,
    levels_up: int,
    levels_down: int,
    nl_up: float,
    nl_down: float,
    cycle_noise: float = 0.0,
    spread: float = 0.0,
) -> LinearStep:
    """Return the device with weights from -1 (G_min) to 1 (G_max).

    Args:
        levels_up: pulses from G_min to G_max.
        levels_down: pulses from G_max to G_min.
        nl_up: nonlinearity of potentiation, 0 to 9.
        nl_down: nonlinearity of depression, 0 to -9: NeuroSim counts it negative where steps shrink on the way down.
        cycle_noise: standard deviation of one pulse, as part of the range.
        spread: variation of the step over cells, relative.

    Raises:
        ValueError: for a nonlinearity of the other sign, whose steps grow toward the bound.

    Example:
        >>> device = from_nonlinearity(levels_up=97, levels_down=100, nl_up=2.4, nl_down=-4.88)
        >>> round(device.n_states, 1)
        40.5
    """
    whole("levels_up", levels_up, least=1)
    whole("levels_down", levels_down, least=1)
    number("nl_up", nl_up, most=STRONGEST, remedy=_TABLE)
    number("nl_down", nl_down, least=-STRONGEST, remedy=_TABLE)
    for rule, value, wrong in (("nl_up >= 0", nl_up, nl_up < 0), ("nl_down <= 0", nl_down, nl_down > 0)):
        if wrong:
            raise ValueError(
                f"`{rule}` must hold, got {value:g}: steps that grow toward a bound need the `piecewise` device, with "
                "measured factors"
            )
    up, slope_up = _centre_step(levels_up, nl_up)
    down, slope_down = _centre_step(levels_down, -nl_down)
    step = max(up, down)
    return LinearStep(
        step=step,
        up_down=1 - down / step if up >= down else up / step - 1,
        slope_up=slope_up,
        slope_down=slope_down,
        cycle_noise=2 * cycle_noise / step,
        step_spread=spread,
    )


def _distance(a: float) -> float:
    d = -math.expm1(-1 / a)
    return (1 - a * d) / d + a * math.log(a * d)


def _centre_step(levels: int, nonlinearity: float) -> tuple[float, float]:
    """Return the step at weight 0, and γ."""
    a = shape(nonlinearity)
    if math.isinf(a):
        return 2 / levels, 0.0
    asymptote = 2 / -math.expm1(-1 / a) - 1
    return asymptote * -math.expm1(-1 / (a * levels)), 1 / asymptote
