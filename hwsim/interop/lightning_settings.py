"""Hardware as a configuration of aihwkit-lightning, which has converters and noise for training, and no devices.

References:
    Büchel et al., AIHWKIT-Lightning: a scalable HW-aware training toolkit for analog in-memory computing, NeurIPS 2024
    workshop on machine learning with new compute paradigms.
"""

from __future__ import annotations

from typing import Final

from hwsim.hardware import Hardware
from hwsim.interop.aihwkit_settings import steps_of
from hwsim.interop.peer_value import Peer, Settings
from hwsim.near_memory import FloatingPointSpec

WIDE_CLIP: Final = 100.0
"""Standard deviations at which weights are clipped: never. The kind of clipping decides what bounds scale with."""


def lightning_settings(hardware: Hardware) -> tuple[Settings, list[str]]:
    """Return what to set in a `TorchInferenceRPUConfig` of aihwkit-lightning, and what it cannot express."""
    converters, mvm = hardware.converters, hardware.mvm
    dynamic = converters.input_scaling == "dynamic"
    per_channel = "_PER_CHANNEL" if converters.weight_scaling == "column" else ""
    settings: Settings = {
        "forward.inp_res": steps_of(converters.dac_bits),
        "forward.out_res": steps_of(converters.adc_bits),
        "forward.out_bound": -1.0 if converters.out_bound is None else converters.out_bound,
        "forward.out_noise": mvm.output_noise,
        "forward.out_noise_per_channel": True,
        "mapping.max_input_size": hardware.tile.rows,
        "clip.type": Peer(
            "aihwkit_lightning.simulator.configs", f"WeightClipType.LAYER_GAUSSIAN{per_channel}"
        ),
        "clip.sigma": WIDE_CLIP,
        "pre_post.input_range.enable": hardware.needs_input_range or dynamic,
        "pre_post.input_range.dynamic": dynamic,
        "pre_post.input_range.learn_input_range": False,
        "pre_post.input_range.init_from_data": 0,
    }
    lost = [
        f"device.kind {hardware.device.kind}: no devices there, so that nothing is programmed or drifts",
        f"tile.columns {hardware.tile.columns}: columns are not split there",
    ]
    if mvm.output_noise > 0:
        lost.append("mvm.output_noise: in training alone there")
    if converters.adc_gain != "fixed":
        lost.append(f"converters.adc_gain {converters.adc_gain}: one bound for all layers there")
    for name, value in mvm.model_dump().items():
        if name != "output_noise" and value > 0:
            lost.append(f"mvm.{name} {value:g}: none there")
    if hardware.digital != FloatingPointSpec():
        lost.append(f"digital.kind {hardware.digital.kind}: floating point there")
    return settings, lost
