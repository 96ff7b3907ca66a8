"""Conformance suites for what users plug in."""

from analognas.testing.spaces import BrokenSpaceError, check_space
from analognas.testing.strategies import BrokenStrategyError, check_strategy

__all__ = ["BrokenSpaceError", "BrokenStrategyError", "check_space", "check_strategy"]
