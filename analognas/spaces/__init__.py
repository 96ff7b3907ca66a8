"""The spaces a search can use, behind one interface."""

from analognas.spaces.adapter import complete

__all__ = ["complete"]
