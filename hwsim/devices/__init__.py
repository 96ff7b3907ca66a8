"""Memory devices: one file a publication, with its constants, citation and validity range."""

from __future__ import annotations

import math
from typing import assert_never

from hwsim.devices.device import Device, DeviceState
from hwsim.devices.hermes import Hermes
from hwsim.devices.ideal import Ideal
from hwsim.devices.pcm import Pcm
from hwsim.devices.polynomial import PolynomialDevice
from hwsim.devices.reram_cmo import ReramCmo
from hwsim.devices.reram_wan import ReramWan
from hwsim.hardware import (
    DeviceSpec,
    HermesSpec,
    IdealSpec,
    PcmSpec,
    PolynomialSpec,
    ReramCmoSpec,
    ReramWanSpec,
)

__all__ = [
    "Device",
    "DeviceState",
    "Hermes",
    "Ideal",
    "Pcm",
    "PolynomialDevice",
    "ReramCmo",
    "ReramWan",
    "build_device",
]


def build_device(spec: DeviceSpec) -> Device:
    """Return the device that `spec` describes."""
    match spec:
        case PcmSpec():
            return Pcm(
                g_max_us=spec.g_max_us,
                programming_noise_scale=spec.programming_noise_scale,
                drift_scale=spec.drift_scale,
                read_noise_scale=spec.read_noise_scale,
            )
        case HermesSpec():
            return Hermes(
                devices_per_weight=spec.devices_per_weight,
                programming_noise_scale=spec.programming_noise_scale,
                drift_scale=spec.drift_scale,
                read_noise_scale=spec.read_noise_scale,
            )
        case ReramWanSpec():
            return ReramWan(g_max_us=spec.g_max_us, noise_scale=spec.noise_scale)
        case ReramCmoSpec():
            return ReramCmo(acceptance_percent=spec.acceptance_percent)
        case PolynomialSpec():
            return PolynomialDevice(
                g_max_us=spec.g_max_us,
                programming_us=spec.programming_us,
                drift_mean=spec.drift_mean,
                drift_std=spec.drift_std,
                read_noise=spec.read_noise,
                t0_s=spec.t0_s,
                t_read_s=spec.t_read_s,
                latest_s=math.inf if spec.latest_s is None else spec.latest_s,
            )
        case IdealSpec():
            return Ideal(g_max_us=spec.g_max_us)
    assert_never(spec)
