"""Statistics of a device model: mean and standard deviation of the conductance over many devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch

from hwsim.arguments import times
from hwsim.devices import Device
from hwsim.devices.device import require_device
from hwsim.durations import Times
from hwsim.streams import stream

MAX_DEVICES: Final = 100_000_000
"""More would not fit in memory, and tell nothing new."""


class Statistic(NamedTuple):
    """Conductance of many devices with one target at one time, µS."""

    g_us: float
    t_s: float
    mean_us: float
    std_us: float


def characterize(device: Device, g_us: Sequence[float], times_s: Times, n: int, seed: int) -> list[Statistic]:
    """Return mean and standard deviation over `n` devices for every target and time.

    Raises:
        ValueError: for targets outside the device's range, times outside the validity range, no devices, or an object
            that is no device.
    """
    device = require_device("`device`", device)
    if not 1 <= n <= MAX_DEVICES:
        raise ValueError(f"`1 <= n <= {MAX_DEVICES}` devices must hold, got {n}")
    statistics, times_s = [], times(times_s)
    for target in g_us:
        if not device.g_min_us <= target <= device.g_max_us:
            limits = f"{device.g_min_us:g} <= g_us <= {device.g_max_us:g}"
            raise ValueError(f"`{limits}` must hold, got {target:g}")
        state = device.program(torch.full((n,), float(target)), stream(seed, "program", float(target)))
        for t_s in times_s:
            read = device.read(state, t_s, stream(seed, "read", float(target), float(t_s))).double()
            std = float(read.std()) if n > 1 else 0.0
            statistics.append(Statistic(float(target), float(t_s), float(read.mean()), std))
    return statistics
