"""Devices that learn by pulses: one file each, with the law of its steps.

A new device is a file of this folder and a line of the dictionary in `kinds.py`.
"""

from __future__ import annotations

from hwsim.learning.devices.constant import ConstantStep
from hwsim.learning.devices.device import Cells, PulsedDevice
from hwsim.learning.devices.exponential import ExponentialStep
from hwsim.learning.devices.kinds import PULSED_DEVICES, AnyPulsedDevice
from hwsim.learning.devices.linear import LinearStep
from hwsim.learning.devices.neurosim import from_nonlinearity
from hwsim.learning.devices.pair import PairedDevice
from hwsim.learning.devices.piecewise import PiecewiseStep
from hwsim.learning.devices.power import PowerStep
from hwsim.learning.devices.soft_bounds import SoftBounds
from hwsim.learning.devices.soft_bounds_reference import SoftBoundsReference

__all__ = [
    "PULSED_DEVICES",
    "AnyPulsedDevice",
    "Cells",
    "ConstantStep",
    "ExponentialStep",
    "LinearStep",
    "PairedDevice",
    "PiecewiseStep",
    "PowerStep",
    "PulsedDevice",
    "SoftBounds",
    "SoftBoundsReference",
    "from_nonlinearity",
]
