"""The ends of a gene's range in a configuration."""

from __future__ import annotations


def ordered(bounds: tuple[int, int]) -> tuple[int, int]:
    """Return `[low, high]` as it is.

    Raises:
        ValueError: when the ends are the wrong way round.
    """
    low, high = bounds
    if low > high:
        raise ValueError(f"`low <= high` must hold in a range [low, high], got [{low}, {high}]")
    return bounds
