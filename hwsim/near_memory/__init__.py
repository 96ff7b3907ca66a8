"""The digital unit next to a tile: what it does to the counts of the ADC before other layers see them.

This folder's specifications import no torch, so that a configuration can be checked without it.
"""

from hwsim.near_memory.spec import DIGITAL_UNITS, AnyDigitalUnit, FixedPointSpec, FloatingPointSpec, Rounding

__all__ = ["DIGITAL_UNITS", "AnyDigitalUnit", "FixedPointSpec", "FloatingPointSpec", "Rounding"]
