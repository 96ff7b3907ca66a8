"""Residual networks of free stages."""

from search_spaces.staged.ranges import StagedRanges
from search_spaces.staged.space import StagedSpace

__all__ = ["StagedRanges", "StagedSpace"]
