"""Sizes of the feature maps: where the networks of the ResNet-like space stride.

Each axis shrinks on its own, so that long and flat inputs (spectrograms) work too:

- the first convolution halves an axis longer than 64, the first main block one that is still longer than 64;
- the first residual block of every further main block halves an axis of at least 4, so that none falls below
  2.

Padding keeps the size otherwise: `k // 2` zeros on every side. An even first kernel therefore makes a map one
longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from search_spaces.resnet.ranges import Ranges

LONG_AXIS: Final = 64
SHORTEST_HALVED_AXIS: Final = 4

Axes = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """Strides and map sizes for one first kernel.

    Attributes:
        stem_stride: of the first convolution.
        stem_size: `(height, width)` after it.
        strides: of each main block's first residual block.
        sizes: `(height, width)` after each main block.
    """

    stem_stride: Axes
    stem_size: Axes
    strides: tuple[Axes, ...]
    sizes: tuple[Axes, ...]


@dataclass(frozen=True)
class GeometryTable:
    """The geometry for every first kernel as arrays, row `KS0 - ks0[0]`.

    Attributes:
        stem_area: `(kernels,)` positions of the map after the first convolution.
        area_in: `(kernels, main blocks)` positions before each main block.
        area_out: `(kernels, main blocks)` positions after it.
        strided: `(kernels, main blocks)` whether the main block strides.
        height_in: `(kernels, main blocks)` rows of the map before each main block.
        width_in: its columns.
        height_out: `(kernels, main blocks)` rows of the map after it.
        width_out: its columns.
    """

    stem_area: npt.NDArray[np.int64]
    area_in: npt.NDArray[np.int64]
    area_out: npt.NDArray[np.int64]
    strided: npt.NDArray[np.bool_]
    height_in: npt.NDArray[np.int64]
    width_in: npt.NDArray[np.int64]
    height_out: npt.NDArray[np.int64]
    width_out: npt.NDArray[np.int64]


def geometry(input_size: Axes, kernel: int, main_blocks: int) -> Geometry:
    """Return strides and sizes for an input of `(height, width)` and a first kernel of `kernel`."""
    stem_stride = _stride(input_size, longer_than=LONG_AXIS)
    size = _convolved(input_size, kernel, stem_stride)
    stem_size = size
    strides, sizes = [], []
    for block in range(main_blocks):
        stride = _stride(size, longer_than=LONG_AXIS if block == 0 else SHORTEST_HALVED_AXIS - 1)
        size = _convolved(size, 3, stride)
        strides.append(stride)
        sizes.append(size)
    return Geometry(stem_stride, stem_size, tuple(strides), tuple(sizes))


def geometry_table(ranges: Ranges) -> GeometryTable:
    """Return the geometry of every network of `ranges`."""
    plans = [
        geometry(ranges.input_shape[1:], kernel, ranges.m[1])
        for kernel in range(ranges.ks0[0], ranges.ks0[1] + 1)
    ]
    stem = np.array([plan.stem_size for plan in plans], dtype=np.int64)
    after = np.array([plan.sizes for plan in plans], dtype=np.int64)
    before = np.concatenate([stem[:, None], after[:, :-1]], axis=1)
    strided = np.array([[stride != (1, 1) for stride in plan.strides] for plan in plans], dtype=np.bool_)
    sides = (before[..., 0], before[..., 1], after[..., 0], after[..., 1])
    return GeometryTable(stem.prod(axis=-1), before.prod(axis=-1), after.prod(axis=-1), strided, *sides)


def _stride(size: Axes, longer_than: int) -> Axes:
    height, width = size
    return (2 if height > longer_than else 1, 2 if width > longer_than else 1)


def _convolved(size: Axes, kernel: int, stride: Axes) -> Axes:
    height, width = (
        (axis + 2 * (kernel // 2) - kernel) // step + 1 for axis, step in zip(size, stride, strict=True)
    )
    return (height, width)
