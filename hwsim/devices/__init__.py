"""Memory devices: one file a publication, with its constants, citation and validity range."""

from __future__ import annotations

from typing import assert_never

from hwsim.devices.device import Device, DeviceState
from hwsim.devices.ideal import Ideal
from hwsim.devices.pcm import Pcm
from hwsim.hardware import DeviceSpec, IdealSpec, PcmSpec

__all__ = ["Device", "DeviceState", "Ideal", "Pcm", "build_device"]


def build_device(spec: DeviceSpec) -> Device:
    """Return the device that `spec` describes."""
    if isinstance(spec, PcmSpec):
        return Pcm(
            g_max_us=spec.g_max_us,
            programming_noise_scale=spec.programming_noise_scale,
            drift_scale=spec.drift_scale,
            read_noise_scale=spec.read_noise_scale,
        )
    if isinstance(spec, IdealSpec):
        return Ideal(g_max_us=spec.g_max_us)
    assert_never(spec)
