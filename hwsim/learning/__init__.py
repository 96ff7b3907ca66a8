"""Training in the memory array: devices that learn by pulses, and algorithms for them as optimisers of torch.

import hwsim.learning

net = hwsim.learning.on_tiles(net)
optimizer = hwsim.learning.AGAD(net.parameters(), device="reram-om", lr=0.1)
"""

from __future__ import annotations

from hwsim.learning.algorithms.agad import AGAD
from hwsim.learning.algorithms.analog_sgd import AnalogSGD
from hwsim.learning.algorithms.chopped_ttv2 import ChoppedTTv2
from hwsim.learning.algorithms.mixed_precision import MixedPrecision
from hwsim.learning.algorithms.optimizer import PulsedOptimizer
from hwsim.learning.algorithms.tiki_taka import TikiTaka
from hwsim.learning.algorithms.ttv2 import TTv2
from hwsim.learning.algorithms.zero_shifting import zero_shift
from hwsim.learning.devices import (
    ConstantStep,
    ExponentialStep,
    LinearStep,
    PairedDevice,
    PiecewiseStep,
    PowerStep,
    PulsedDevice,
    SoftBounds,
    SoftBoundsReference,
    from_nonlinearity,
)
from hwsim.learning.fabrication import fabricate
from hwsim.learning.layers import TileConv2d, TileLinear, TileParameter, on_tiles
from hwsim.learning.periphery import Periphery
from hwsim.learning.presets import device, device_names, preset

__all__ = [
    "AGAD",
    "AnalogSGD",
    "ChoppedTTv2",
    "ConstantStep",
    "ExponentialStep",
    "LinearStep",
    "MixedPrecision",
    "PairedDevice",
    "Periphery",
    "PiecewiseStep",
    "PowerStep",
    "PulsedDevice",
    "PulsedOptimizer",
    "SoftBounds",
    "SoftBoundsReference",
    "TTv2",
    "TikiTaka",
    "TileConv2d",
    "TileLinear",
    "TileParameter",
    "device",
    "device_names",
    "fabricate",
    "from_nonlinearity",
    "on_tiles",
    "preset",
    "zero_shift",
]
