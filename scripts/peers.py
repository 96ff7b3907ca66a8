"""The same network in other simulators, with the converters and the noise of `pcm-analognas`, for benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final

from torch import nn

BITS_8: Final = 1 / 254
OUTPUT_NOISE: Final = 0.04
WEIGHT_NOISE: Final = 0.06


def aihwkit(model: nn.Module, *, training: bool) -> Any:
    """Return `model` in aihwkit; its chips are programmed and drift."""
    from aihwkit.nn.conversion import convert_to_analog

    return convert_to_analog(model, _aihwkit_configuration(training)).train(training)


def aihwkit_recurrent(kind: str, inputs: int, hidden: int, *, training: bool) -> Any:
    """Return a recurrent layer of aihwkit, `lstm` (one array for [x; h]) or `gru`: `(steps, items, inputs)` in."""
    from aihwkit import nn as analog

    cell = {"lstm": analog.AnalogLSTMCellCombinedWeight, "gru": analog.AnalogGRUCell}[kind]
    configuration = _aihwkit_configuration(training)
    return analog.AnalogRNN(cell, inputs, hidden, rpu_config=configuration).train(training)


def _aihwkit_configuration(training: bool) -> Any:
    from aihwkit.simulator.configs import TorchInferenceRPUConfig
    from aihwkit.simulator.configs.utils import (
        BoundManagementType,
        NoiseManagementType,
        WeightModifierType,
    )

    config: Any = TorchInferenceRPUConfig()
    config.forward.inp_res = config.forward.out_res = BITS_8
    config.forward.out_bound, config.forward.out_noise = 10.0, OUTPUT_NOISE
    config.forward.bound_management = BoundManagementType.NONE
    config.forward.noise_management = NoiseManagementType.NONE
    config.mapping.weight_scaling_omega = 1.0
    config.mapping.weight_scaling_columnwise = True
    config.pre_post.input_range.enable = True
    config.pre_post.input_range.init_value = 3.0
    config.pre_post.input_range.init_from_data = 0
    if training:
        config.modifier.type = WeightModifierType.ADD_NORMAL
        config.modifier.std_dev = WEIGHT_NOISE
    return config


def aihwkit_lightning(model: nn.Module, *, training: bool) -> Any:
    """Return `model` in aihwkit-lightning: it has no devices, and output noise in training alone."""
    from aihwkit_lightning.nn.conversion import convert_to_analog
    from aihwkit_lightning.simulator.configs import (
        TorchInferenceRPUConfig,
        WeightClipType,
        WeightNoiseInjectionType,
    )

    config: Any = TorchInferenceRPUConfig()
    config.forward.inp_res = config.forward.out_res = BITS_8
    config.forward.out_bound, config.forward.out_noise = 10.0, OUTPUT_NOISE
    config.forward.out_noise_per_channel = True
    config.mapping.max_input_size = 512
    config.clip.type, config.clip.sigma = WeightClipType.LAYER_GAUSSIAN_PER_CHANNEL, 100.0
    config.pre_post.input_range.enable = True
    config.pre_post.input_range.init_value = 3.0
    config.pre_post.input_range.init_from_data = 0
    if training:
        config.modifier.noise_type = WeightNoiseInjectionType.ADD_NORMAL_PER_CHANNEL
        config.modifier.std_dev = WEIGHT_NOISE
    return convert_to_analog(model, config).train(training)


PEERS: Final[Mapping[str, Callable[..., Any]]] = {
    "aihwkit": aihwkit,
    "aihwkit_lightning": aihwkit_lightning,
}


def peers_here() -> list[str]:
    """Return the simulators that are installed."""
    return [name for name in PEERS if find_spec(name) is not None]
