"""Hardware as an aihwkit configuration and back; what has no counterpart is listed, not guessed.

`TorchInferenceRPUConfig` of aihwkit 1.1: the torch tile alone runs with current versions of torch. Read noise, IR drop
and the S-shape exist in its compiled tile only, and are listed when a network goes there.

References:
    Rasch et al., A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar arrays,
    AICAS 2021, arXiv 2104.02184.
"""

from __future__ import annotations

import math
from typing import Any, Final

from hwsim.devices import HermesSpec, IdealSpec, PcmSpec, ReramCmoSpec, ReramWanSpec
from hwsim.disturbance import CELL_US, WIRE_OHM
from hwsim.faults import FaultSpec
from hwsim.hardware import Hardware
from hwsim.interop.peer_value import Peer, Settings
from hwsim.near_memory import FloatingPointSpec

_ENUMS: Final = "aihwkit.simulator.configs.utils"
_NOISE: Final = "aihwkit.inference"
LARGEST_TILE: Final = 65_536
"""Rows or columns of a tile that aihwkit leaves unlimited."""
LARGEST_OUTPUT: Final = 1e3
"""Bound of an ADC that has none in aihwkit, in fully-on products."""
PLAIN_IO: Final[dict[str, Any]] = {
    "inp_bound": 1.0,
    "inp_sto_round": False,
    "inp_asymmetry": 0.0,
    "out_noise_std": 0.0,
    "out_sto_round": False,
    "out_scale": 1.0,
    "out_asymmetry": 0.0,
    "out_nonlinearity_std": 0.0,
    "slope_calibration": 0.0,
    "v_offset_std": 0.0,
    "r_series": 0.0,
    "w_read_asymmetry_dtod": 0.0,
    "nm_thres": 0.0,
}
"""Values of `forward` that stand for what hwsim does; another one has no counterpart."""


def steps_of(bits: int | None) -> float:
    """Return a converter's resolution as aihwkit has it: one step as a share of the whole range, -1 for none."""
    return -1.0 if bits is None else 1 / (2**bits - 2)


def bits_of(resolution: float) -> int | None:
    """Return the bits of a resolution of aihwkit, None for none; the nearest where no whole number fits."""
    if resolution <= 0:
        return None
    steps = 1 / resolution if resolution < 1 else resolution
    return min(24, max(2, round(math.log2(steps + 2))))


def aihwkit_settings(hardware: Hardware) -> tuple[Settings, list[str]]:
    """Return what to set in a `TorchInferenceRPUConfig`, and what of the hardware it cannot express."""
    converters, mvm, lost = hardware.converters, hardware.mvm, list[str]()
    static = converters.input_scaling == "static"
    has_range = hardware.needs_input_range
    noise_model, of_device = _noise_model(hardware)
    settings: Settings = {
        "forward.inp_res": steps_of(converters.dac_bits),
        "forward.inp_bound": 1.0 if has_range or not static else -1.0,
        "forward.inp_noise": mvm.input_noise,
        "forward.out_res": steps_of(converters.adc_bits),
        "forward.out_bound": -1.0 if converters.out_bound is None else converters.out_bound,
        "forward.out_noise": mvm.output_noise,
        "forward.w_noise": 0.0,
        "forward.bound_management": Peer(_ENUMS, "BoundManagementType.NONE"),
        "forward.noise_management": Peer(_ENUMS, f"NoiseManagementType.{'NONE' if static else 'ABS_MAX'}"),
        "mapping.weight_scaling_omega": 1.0,
        "mapping.weight_scaling_columnwise": converters.weight_scaling == "column",
        "mapping.max_input_size": hardware.tile.rows,
        "mapping.max_output_size": hardware.tile.columns,
        "pre_post.input_range.enable": has_range,
        "pre_post.input_range.learn_input_range": False,
        "pre_post.input_range.init_from_data": 0,
        "noise_model": noise_model,
        "drift_compensation": None
        if hardware.compensation.kind == "none"
        else Peer(_NOISE, "GlobalDriftCompensation", {}),
    }
    if has_range and converters.dac_bits is None:
        lost.append("converters.dac_bits null: inputs beyond the range are clipped there")
    if converters.adc_gain != "fixed":
        lost.append(
            f"converters.adc_gain {converters.adc_gain}: the bound is {converters.out_bound:g} in all layers there"
        )
    if hardware.compensation.kind == "column":
        lost.append("compensation.kind column: one factor a tile there")
    if hardware.compensation.kind != "none" and hardware.compensation.readout == "exact":
        lost.append("compensation.readout exact: read through noise and ADC there")
    if hardware.pairs == "both":
        lost.append("pairs both: the difference of a pair is kept there")
    if hardware.tile.mapping != "one-layer":
        lost.append(f"tile.mapping {hardware.tile.mapping}: a tile holds one layer there")
    if hardware.digital != FloatingPointSpec():
        lost.append(f"digital.kind {hardware.digital.kind}: floating point there")
    if hardware.faults != FaultSpec():
        lost.append("faults: none there")
    for name, value in (("read_noise", mvm.read_noise), ("ir_drop", mvm.ir_drop), ("s_shape", mvm.s_shape)):
        if value > 0:
            lost.append(f"mvm.{name} {value:g}: in the compiled tile of InferenceRPUConfig alone there")
    return settings, [*lost, *of_device]


def _noise_model(hardware: Hardware) -> tuple[Peer, list[str]]:
    """Return the noise model of the device, and what of the device it cannot express."""
    device = hardware.device
    if isinstance(device, PcmSpec):
        arguments = {
            "g_max": device.g_max_us,
            "prog_noise_scale": device.programming_noise_scale,
            "drift_scale": device.drift_scale,
            "read_noise_scale": device.read_noise_scale,
        }
        return Peer(_NOISE, "PCMLikeNoiseModel", arguments), []
    if isinstance(device, HermesSpec):
        scales = {
            "prog_noise_scale": device.programming_noise_scale,
            "drift_scale": device.drift_scale,
            "read_noise_scale": device.read_noise_scale,
        }
        arguments = {"num_devices": device.devices_per_weight, **scales}
        return Peer(f"{_NOISE}.noise.hermes", "HermesNoiseModel", arguments), []
    if isinstance(device, ReramWanSpec):
        arguments = {"g_max": device.g_max_us, "noise_scale": device.noise_scale}
        peer = Peer(f"{_NOISE}.noise.reram", "ReRamWan2022NoiseModel", arguments)
        return peer, ["device.kind reram-wan2022: times between 1 s, 1 day and 2 days are errors there"]
    if isinstance(device, ReramCmoSpec):
        model = device.build()
        arguments = {
            "g_max": model.g_max_us,
            "g_min": model.g_min_us,
            "acceptance_range": model.acceptance_percent,
        }
        peer = Peer(f"{_NOISE}.noise.reram", "ReRamCMONoiseModel", arguments)
        return peer, ["device.kind reram-cmo: one device a weight there"]
    exact = {"prog_noise_scale": 0.0, "drift_scale": 0.0, "read_noise_scale": 0.0}
    peer = Peer(_NOISE, "PCMLikeNoiseModel", exact)
    if isinstance(device, IdealSpec):
        return peer, []
    return peer, [f"device.kind {device.kind}: no counterpart, devices hold their targets there"]


def hardware_of(config: Any) -> tuple[Hardware, list[str]]:
    """Return the hardware of an aihwkit configuration, and what of the configuration has no counterpart.

    Raises:
        ValueError: for a configuration that is not one of inference, or values out of range.
    """
    for part in ("forward", "mapping", "pre_post", "noise_model", "drift_compensation"):
        if not hasattr(config, part):
            raise ValueError(
                f"the configuration must be an InferenceRPUConfig, got {type(config).__name__} without `{part}`"
            )
    lost: list[str] = []
    mapping = config.mapping
    changes: dict[str, Any] = {
        "name": type(config).__name__,
        "pairs": "collapsed",
        "tile.rows": mapping.max_input_size or LARGEST_TILE,
        "tile.columns": mapping.max_output_size or LARGEST_TILE,
        "converters.weight_scaling": "column" if mapping.weight_scaling_columnwise else "layer",
        "compensation.readout": "mvm",
        **_forward(config, lost),
        **_device(config.noise_model, lost),
    }
    if mapping.weight_scaling_omega != 1.0:
        lost.append(
            f"mapping.weight_scaling_omega {mapping.weight_scaling_omega:g}: weights are scaled to g_max here"
        )
    if not mapping.digital_bias:
        lost.append("mapping.digital_bias False: biases are digital here")
    if config.drift_compensation is None:
        changes["compensation.kind"] = "none"
    elif type(config.drift_compensation).__name__ == "GlobalDriftCompensation":
        changes["compensation.kind"] = "global"
    else:
        changes["compensation.kind"] = "global"
        lost.append(f"drift_compensation {type(config.drift_compensation).__name__}: one factor a tile here")
    for part, where in (
        ("modifier", "HwaTraining(modifier=…)"),
        ("clip", "HwaTraining(clip_…)"),
        ("remap", ""),
    ):
        kind = getattr(getattr(config, part, None), "type", None)
        if kind is not None and kind.name not in ("NONE", "COPY"):
            remedy = f"give it to hwsim.{where}" if where else "column scales follow the weights here"
            lost.append(f"{part}.type {kind.name}: {remedy}")
    return Hardware().replace(changes), lost


def _forward(config: Any, lost: list[str]) -> dict[str, Any]:
    """Return converters and noise; what has no counterpart is added to `lost`."""
    io = config.forward
    if io.is_perfect:
        return {
            "converters": {"dac_bits": None, "adc_bits": None, "out_bound": None},
            "mvm": {"output_noise": 0.0},
        }
    for name, plain in PLAIN_IO.items():
        found = getattr(io, name, plain)
        if name == "inp_bound" and found <= 0 and io.inp_res <= 0 and not config.pre_post.input_range.enable:
            continue  # inputs as they are
        if found != plain and not (isinstance(plain, float) and math.isclose(found, plain)):
            lost.append(f"forward.{name} {found}: no counterpart here")
    management, scaling = io.noise_management.name, config.pre_post.input_range
    if management not in ("NONE", "ABS_MAX"):
        lost.append(f"forward.noise_management {management}: ABS_MAX is taken here")
    if io.bound_management.name != "NONE":
        lost.append(
            f"forward.bound_management {io.bound_management.name}: products that clip are not repeated here"
        )
    bits = bits_of(io.inp_res), bits_of(io.out_res)
    for name, resolution, found in zip(("inp_res", "out_res"), (io.inp_res, io.out_res), bits, strict=True):
        if found is not None and not math.isclose(steps_of(found), resolution, rel_tol=1e-3):
            lost.append(f"forward.{name} {resolution:g}: {found} bits here, {steps_of(found):g}")
    bound: float | None = io.out_bound if io.out_bound > 0 else None
    if bound is None and bits[1] is not None:
        bound = LARGEST_OUTPUT
        lost.append(f"forward.out_bound {io.out_bound:g}: {bound:g} here, because an ADC needs a bound")
    noise_type, drop = io.w_noise_type.name, io.ir_drop
    if io.w_noise > 0 and noise_type not in ("NONE", "PCM_READ"):
        lost.append(f"forward.w_noise_type {noise_type}: no counterpart here")
    if drop > 0 and not math.isclose(io.ir_drop_g_ratio, 1e6 / (WIRE_OHM * CELL_US), rel_tol=1e-6):
        lost.append(
            f"forward.ir_drop_g_ratio {io.ir_drop_g_ratio:g}: that of {WIRE_OHM:g} Ω and {CELL_US:g} µS is taken here"
        )
    return {
        "converters.dac_bits": bits[0],
        "converters.adc_bits": bits[1],
        "converters.out_bound": bound,
        "converters.input_scaling": "static" if scaling.enable or management == "NONE" else "dynamic",
        "mvm.input_noise": io.inp_noise,
        "mvm.output_noise": io.out_noise,
        "mvm.read_noise": io.w_noise if noise_type == "PCM_READ" else 0.0,
        "mvm.ir_drop": drop,
        "mvm.s_shape": io.out_nonlinearity,
    }


def _device(model: Any, lost: list[str]) -> dict[str, Any]:
    """Return the device of a noise model; what has no counterpart is added to `lost`."""
    kind = type(model).__name__
    converter = type(getattr(model, "g_converter", None)).__name__
    scales = {
        f"device.{ours}": getattr(model, theirs)
        for ours, theirs in (
            ("programming_noise_scale", "prog_noise_scale"),
            ("drift_scale", "drift_scale"),
            ("read_noise_scale", "read_noise_scale"),
        )
        if hasattr(model, theirs)
    }
    expected = (
        "SingleDeviceConductanceConverter"
        if kind == "ReRamCMONoiseModel"
        else "SinglePairConductanceConverter"
    )
    if converter != expected:
        lost.append(f"noise_model.g_converter {converter}: a pair of devices a weight here")
    if kind == "PCMLikeNoiseModel":
        if not any(scales.values()):
            return {"device.kind": "ideal"}
        if (
            list(model.prog_coeff) != [0.26348, 1.9650, -1.1731]
            or model.t_0 != 20.0
            or model.t_read != 250e-9
        ):
            lost.append("noise_model prog_coeff, t_0, t_read: those that were published are taken here")
        return {"device.kind": "pcm", "device.g_max_us": float(model.g_max), **scales}
    if kind == "HermesNoiseModel":
        return {"device.kind": "hermes", "device.devices_per_weight": model.num_devices, **scales}
    if kind == "ReRamWan2022NoiseModel":
        values = {"device.g_max_us": float(model.g_max), "device.noise_scale": model.noise_scale}
        return {"device.kind": "reram-wan2022", **values}
    if kind == "ReRamCMONoiseModel":
        lost.append("noise_model ReRamCMONoiseModel: a pair of devices a weight here")
        return {"device.kind": "reram-cmo", "device.acceptance_percent": float(model.acceptance_range)}
    lost.append(f"noise_model {kind}: no counterpart here, devices hold their targets")
    return {"device.kind": "ideal"}
