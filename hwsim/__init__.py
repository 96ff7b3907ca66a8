"""Analog in-memory computing hardware for any torch network.

Names are imported when first used, so that hardware can be described and checked without loading torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hwsim import learning, random_features, rules
    from hwsim.analog_file import load_analog
    from hwsim.analog_matrix import AnalogMatrix
    from hwsim.calibration import calibrate
    from hwsim.chip_cost.chip_files import chip, chip_names, read_chip
    from hwsim.chip_cost.cost import cost
    from hwsim.chip_cost.description import Chip
    from hwsim.chip_cost.result import ChipCost
    from hwsim.chips import Chips, program
    from hwsim.clipping import clip_weights
    from hwsim.conductances import load_conductances, save_conductances
    from hwsim.conversion import fold_batch_norms, tile_map, to_analog, to_digital
    from hwsim.curve import DriftCurve, DriftPoint, PairedDifference
    from hwsim.curves import plot, table
    from hwsim.distillation import distillation_loss
    from hwsim.drift import accuracy_over_time
    from hwsim.evaluation import evaluate
    from hwsim.hardware import Hardware
    from hwsim.hardware_file import read_hardware
    from hwsim.hwa import HwaTraining
    from hwsim.inference import ChipOutputs, outputs
    from hwsim.interop.aihwkit import Translated, from_aihwkit, to_aihwkit
    from hwsim.key_memory.memory import KeyMemory
    from hwsim.layer_sensitivity import LayerCost, Sensitivity, sensitivity
    from hwsim.modules import (
        AnalogConv1d,
        AnalogConv2d,
        AnalogConv3d,
        AnalogConvTranspose1d,
        AnalogConvTranspose2d,
        AnalogGRU,
        AnalogGRUCell,
        AnalogLinear,
        AnalogLSTM,
        AnalogLSTMCell,
        AnalogMultiheadAttention,
        AnalogRNN,
        AnalogRNNCell,
    )
    from hwsim.near_memory.report import FixedPointReport, fixed_point_report
    from hwsim.netlist import TileNetlist, tile_netlist
    from hwsim.network_summary import LayerSummary, Summary, summary
    from hwsim.parameters import analog_parameters
    from hwsim.presets import label, preset, preset_names
    from hwsim.random_features.attention import KernelAttention
    from hwsim.random_features.transformer import AnalogRandomFeatures
    from hwsim.storage import load_chips, save_chips
    from hwsim.tiles import TileMap
    from hwsim.validity import check_times
    from hwsim.weight_rows import analog_share

    __version__: str

__all__ = [
    "AnalogConv1d",
    "AnalogConv2d",
    "AnalogConv3d",
    "AnalogConvTranspose1d",
    "AnalogConvTranspose2d",
    "AnalogGRU",
    "AnalogGRUCell",
    "AnalogLSTM",
    "AnalogLSTMCell",
    "AnalogLinear",
    "AnalogMatrix",
    "AnalogMultiheadAttention",
    "AnalogRNN",
    "AnalogRNNCell",
    "AnalogRandomFeatures",
    "Chip",
    "ChipCost",
    "ChipOutputs",
    "Chips",
    "DriftCurve",
    "DriftPoint",
    "FixedPointReport",
    "Hardware",
    "HwaTraining",
    "KernelAttention",
    "KeyMemory",
    "LayerCost",
    "LayerSummary",
    "PairedDifference",
    "Sensitivity",
    "Summary",
    "TileMap",
    "TileNetlist",
    "Translated",
    "__version__",
    "accuracy_over_time",
    "analog_parameters",
    "analog_share",
    "calibrate",
    "check_times",
    "chip",
    "chip_names",
    "clip_weights",
    "cost",
    "distillation_loss",
    "evaluate",
    "fixed_point_report",
    "fold_batch_norms",
    "from_aihwkit",
    "label",
    "learning",
    "load_analog",
    "load_chips",
    "load_conductances",
    "outputs",
    "plot",
    "preset",
    "preset_names",
    "program",
    "random_features",
    "read_chip",
    "read_hardware",
    "rules",
    "save_chips",
    "save_conductances",
    "sensitivity",
    "summary",
    "table",
    "tile_map",
    "tile_netlist",
    "to_aihwkit",
    "to_analog",
    "to_digital",
]

_HOMES: Final = {
    "hwsim.analog_matrix": ("AnalogMatrix",),
    "hwsim.analog_file": ("load_analog",),
    "hwsim.calibration": ("calibrate",),
    "hwsim.chip_cost.chip_files": ("chip", "chip_names", "read_chip"),
    "hwsim.chip_cost.cost": ("cost",),
    "hwsim.chip_cost.description": ("Chip",),
    "hwsim.chip_cost.result": ("ChipCost",),
    "hwsim.chips": ("Chips", "program"),
    "hwsim.clipping": ("clip_weights",),
    "hwsim.validity": ("check_times",),
    "hwsim.conductances": ("load_conductances", "save_conductances"),
    "hwsim.conversion": ("fold_batch_norms", "tile_map", "to_analog", "to_digital"),
    "hwsim.distillation": ("distillation_loss",),
    "hwsim.curve": ("DriftCurve", "DriftPoint", "PairedDifference"),
    "hwsim.curves": ("plot", "table"),
    "hwsim.drift": ("accuracy_over_time",),
    "hwsim.evaluation": ("evaluate",),
    "hwsim.hardware": ("Hardware",),
    "hwsim.hardware_file": ("read_hardware",),
    "hwsim.hwa": ("HwaTraining",),
    "hwsim.key_memory.memory": ("KeyMemory",),
    "hwsim.interop.aihwkit": ("Translated", "from_aihwkit", "to_aihwkit"),
    "hwsim.layer_sensitivity": ("LayerCost", "Sensitivity", "sensitivity"),
    "hwsim.inference": ("ChipOutputs", "outputs"),
    "hwsim.modules": (
        "AnalogConv1d",
        "AnalogConv2d",
        "AnalogConv3d",
        "AnalogConvTranspose1d",
        "AnalogConvTranspose2d",
        "AnalogGRU",
        "AnalogGRUCell",
        "AnalogLSTM",
        "AnalogLSTMCell",
        "AnalogLinear",
        "AnalogMultiheadAttention",
        "AnalogRNN",
        "AnalogRNNCell",
    ),
    "hwsim.near_memory.report": ("FixedPointReport", "fixed_point_report"),
    "hwsim.netlist": ("TileNetlist", "tile_netlist"),
    "hwsim.network_summary": ("LayerSummary", "Summary", "summary"),
    "hwsim.parameters": ("analog_parameters",),
    "hwsim.presets": ("label", "preset", "preset_names"),
    "hwsim.random_features": ("AnalogRandomFeatures", "KernelAttention"),
    "hwsim.storage": ("load_chips", "save_chips"),
    "hwsim.tiles": ("TileMap",),
    "hwsim.weight_rows": ("analog_share",),
}
_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}

_ROOMS: Final = ("learning", "random_features", "rules")
"""Packages that are reached by their name."""


def __getattr__(name: str) -> Any:
    """Return a public name, importing the module it lives in."""
    if name == "__version__":
        return _version()
    if name in _ROOMS:
        return importlib.import_module(f"hwsim.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'hwsim' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)


def _version() -> str:
    """Return the installed version; `0+unknown` for a source tree that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    for distribution in ("analognas", "hwsim"):  # which both hold this package
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "0+unknown"
