"""Strides on small inputs: an axis shorter than 4 is not halved."""

from __future__ import annotations

from typing import Final

SHORTEST_HALVED_AXIS: Final = 4


def halved(size: list[int], wanted: int) -> tuple[tuple[int, int], list[int]]:
    """Return the stride of a layer that should stride by `wanted`, and the map's size after it."""
    stride = [wanted if axis >= SHORTEST_HALVED_AXIS else 1 for axis in size]
    return (stride[0], stride[1]), [-(-axis // step) for axis, step in zip(size, stride, strict=True)]
