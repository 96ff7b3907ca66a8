"""The spaces a search can use, behind one interface."""

from analognas.spaces.adapter import ArchitectureSpace, complete

__all__ = ["ArchitectureSpace", "complete"]
