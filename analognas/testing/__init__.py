"""Conformance suites for what users plug in."""

from analognas.testing.spaces import BrokenSpaceError, check_space

__all__ = ["BrokenSpaceError", "check_space"]
