"""Conformance suites for what users plug in."""

from analognas.testing.devices import BrokenDeviceError, check_device
from analognas.testing.spaces import BrokenSpaceError, check_space
from analognas.testing.strategies import BrokenStrategyError, check_strategy

__all__ = [
    "BrokenDeviceError",
    "BrokenSpaceError",
    "BrokenStrategyError",
    "check_device",
    "check_space",
    "check_strategy",
]
