"""How the energy of the array follows the conductances, which drift.

A cell that conducts takes its conductance times the square of the read voltage; the mean over cells falls with time.
Targets are those of normally distributed weights, clipped at three standard deviations, one device of a pair at a time.

References:
    Frank et al., IRPS 2023 (peak efficiency of a PCM chip rises by 3 to 15 % from one day to ten years).
"""

from __future__ import annotations

from typing import Final

import torch

from hwsim.chip_cost.description import Chip
from hwsim.streams import stream

_TARGETS: Final = 65_536
_CLIP: Final = 3.0


def conductance_ratio(chip: Chip, age_s: float, mode: str | None = None) -> float:
    """Return the mean conductance at `age_s` over that at the time which the constants of a cell belong to.

    Raises:
        ValueError: for a chip without hardware, or a time that its device model does not cover.
    """
    if chip.hardware is None:
        raise ValueError(
            f"`age` must be left out for {chip.name}, whose description has no `hardware` to tell how it drifts"
        )
    device = chip.hardware.device.build()
    weights = torch.randn(_TARGETS, generator=stream(0, "conductance", "weights"))
    magnitudes = (weights.abs() / _CLIP).clamp(max=1.0)
    targets = device.g_min_us + (device.g_max_us - device.g_min_us) * magnitudes
    state = device.program(targets, stream(0, "conductance", "program"))
    reference_s = chip.modes[mode or chip.mode].energy.cell_age
    now, then = (
        float(device.read(state, time_s, stream(0, "conductance", "read")).double().mean())
        for time_s in (age_s, reference_s)
    )
    return now / then
