"""Which input ranges and ADC gains a network of files computes with: those that were learned, or calibrated ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

import hwsim
from analognas.config.budgets import FinalSpec, TrainingSpec
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.training import on_tiles


def ranges_are_learned(training: TrainingSpec, final: FinalSpec) -> bool:
    """Whether a training at full budget ends with ranges of its own, which no calibration finds again."""
    return training.hardware_aware.learn_ranges and final.hardware_aware_epochs > 0


def ranges_fit(hardware: hwsim.Hardware, own: hwsim.Hardware) -> bool:
    """Whether the ranges of a network on its `own` hardware say everything that `hardware` asks for."""
    one, other = hardware.converters, own.converters
    same_kind = (one.adc_gain, one.weight_scaling) == (other.adc_gain, other.weight_scaling)
    return hardware.tile == own.tile and same_kind


def on_tiles_as_stored(
    network: nn.Module,
    task: PreparedTask,
    hardware: hwsim.Hardware,
    own: hwsim.Hardware,
    learned: Mapping[str, Any] | Path | None,
) -> nn.Module:
    """Return a trained network on tiles, with its learned ranges where they fit, else with calibrated ones.

    Args:
        network: plain torch.
        task: what ranges are calibrated on.
        hardware: of the tiles.
        own: hardware that the network was trained for.
        learned: ranges, or the analog.json that holds them; None where none were learned.

    Raises:
        ValueError: for a file that is missing or does not fit.
    """
    if learned is None or not ranges_fit(hardware, own):
        return on_tiles(network, task, hardware)
    return hwsim.load_analog(network, learned, hardware).eval()
