"""The ResNet-like search space of AnalogNAS."""

from search_spaces.resnet.mutation import MutationRates
from search_spaces.resnet.ranges import Ranges
from search_spaces.resnet.space import ResNetSpace

__all__ = ["MutationRates", "Ranges", "ResNetSpace"]
