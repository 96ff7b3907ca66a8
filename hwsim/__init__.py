"""Analog in-memory computing hardware for any torch network.

Names are imported when first used, so that hardware can be described and checked without loading torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hwsim.calibration import calibrate
    from hwsim.chips import Chips, program
    from hwsim.conversion import tile_map, to_analog, to_digital
    from hwsim.curve import DriftCurve, DriftPoint, PairedDifference
    from hwsim.distillation import distillation_loss
    from hwsim.drift import accuracy_over_time
    from hwsim.hardware import Hardware
    from hwsim.hardware_file import read_hardware
    from hwsim.hwa import HwaTraining
    from hwsim.mapping import TileMap
    from hwsim.modules import AnalogConv1d, AnalogConv2d, AnalogLinear
    from hwsim.parameters import analog_parameters
    from hwsim.presets import label, preset, preset_names
    from hwsim.storage import load_chips, save_chips
    from hwsim.validity import check_times

    __version__: str

__all__ = [
    "AnalogConv1d",
    "AnalogConv2d",
    "AnalogLinear",
    "Chips",
    "DriftCurve",
    "DriftPoint",
    "Hardware",
    "HwaTraining",
    "PairedDifference",
    "TileMap",
    "__version__",
    "accuracy_over_time",
    "analog_parameters",
    "calibrate",
    "check_times",
    "distillation_loss",
    "label",
    "load_chips",
    "preset",
    "preset_names",
    "program",
    "read_hardware",
    "save_chips",
    "tile_map",
    "to_analog",
    "to_digital",
]

_HOMES: Final = {
    "hwsim.calibration": ("calibrate",),
    "hwsim.chips": ("Chips", "program"),
    "hwsim.validity": ("check_times",),
    "hwsim.conversion": ("tile_map", "to_analog", "to_digital"),
    "hwsim.distillation": ("distillation_loss",),
    "hwsim.curve": ("DriftCurve", "DriftPoint", "PairedDifference"),
    "hwsim.drift": ("accuracy_over_time",),
    "hwsim.hardware": ("Hardware",),
    "hwsim.hardware_file": ("read_hardware",),
    "hwsim.hwa": ("HwaTraining",),
    "hwsim.mapping": ("TileMap",),
    "hwsim.modules": ("AnalogConv1d", "AnalogConv2d", "AnalogLinear"),
    "hwsim.parameters": ("analog_parameters",),
    "hwsim.presets": ("label", "preset", "preset_names"),
    "hwsim.storage": ("load_chips", "save_chips"),
}
_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Return a public name, importing the module it lives in."""
    if name == "__version__":
        return _version()
    if name not in _HOME_OF:
        raise AttributeError(f"module 'hwsim' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)


def _version() -> str:
    """Return the installed version; `0+unknown` for a source tree that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("analognas")
    except PackageNotFoundError:
        return "0+unknown"
