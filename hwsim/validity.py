"""Whether hardware can be simulated at given times, told before anything is trained or programmed."""

from __future__ import annotations

import torch

from hwsim.arguments import require, times
from hwsim.devices import Device
from hwsim.durations import Times
from hwsim.hardware import Hardware


def check_times(hardware: Hardware, times_s: Times) -> None:
    """Check that the device model of `hardware` covers every time.

    Raises:
        ValueError: for a time outside the model's validity range, which the message names, or a text that is no time.
        TypeError: for hardware or times of another type.

    Example:
        >>> from hwsim import preset
        >>> check_times(preset("pcm-rasch2023"), [1, "1 day", 3.2e8])
    """
    require(hardware, Hardware, "`hardware` must be hwsim.Hardware", "hwsim.preset(name) gives one")
    check_device_times(hardware.device.build(), times_s)


def check_device_times(device: Device, times_s: Times) -> None:
    """Check that a device model covers every time; raises as `check_times` does."""
    generator = torch.Generator().manual_seed(0)
    state = device.program(torch.full((1,), device.g_max_us), generator)
    for time_s in times(times_s):
        device.read(state, time_s, generator)
