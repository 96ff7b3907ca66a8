"""Analog layers: torch modules whose products run on crossbar tiles."""

from hwsim.modules.convolution import AnalogConv1d, AnalogConv2d
from hwsim.modules.layer import NOMINAL, AnalogLayer, Execution
from hwsim.modules.linear import AnalogLinear

__all__ = ["NOMINAL", "AnalogConv1d", "AnalogConv2d", "AnalogLayer", "AnalogLinear", "Execution"]
