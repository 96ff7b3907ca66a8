"""Analog layers: torch modules whose products run on crossbar tiles."""

from hwsim.modules.convolution import AnalogConv1d, AnalogConv2d
from hwsim.modules.execution import NOMINAL, Activation, Execution
from hwsim.modules.layer import AnalogLayer
from hwsim.modules.linear import AnalogLinear

__all__ = [
    "NOMINAL",
    "Activation",
    "AnalogConv1d",
    "AnalogConv2d",
    "AnalogLayer",
    "AnalogLinear",
    "Execution",
]
