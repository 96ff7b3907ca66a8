"""What is around the cell: widths, map sizes, and what all of it costs without building it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from search_spaces.matrices import Matrices, Matrix
from search_spaces.nasbench201.cell import CONV1, CONV3
from search_spaces.space import Population

STAGES: Final = 3
SHORTEST_HALVED_AXIS: Final = 4


@dataclass(frozen=True)
class Skeleton:
    """The fixed part of a NAS-Bench-201 network.

    Attributes:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
        channels: of the first stage; doubled twice.
        cells_per_stage: cells in each of the three stages.

    Raises:
        ValueError: for a shape or number below 1.
    """

    input_shape: tuple[int, int, int]
    n_classes: int
    channels: int
    cells_per_stage: int

    def __post_init__(self) -> None:
        if len(self.input_shape) != 3 or min(self.input_shape) < 1:
            raise ValueError(
                f"`input_shape` must be (channels, height, width), each at least 1, got {self.input_shape}"
            )
        for name in ("n_classes", "channels", "cells_per_stage"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name} >= 1` must hold, got {getattr(self, name)}")


def reduction_strides(skeleton: Skeleton) -> list[tuple[int, int]]:
    """Return the stride of each of the two reductions; an axis shorter than 4 is not halved."""
    height, width = skeleton.input_shape[1:]
    strides = []
    for _ in range(STAGES - 1):
        stride = (2 if height >= SHORTEST_HALVED_AXIS else 1, 2 if width >= SHORTEST_HALVED_AXIS else 1)
        height, width = -(-height // stride[0]), -(-width // stride[1])
        strides.append(stride)
    return strides


def costs(
    cells: Population, live: npt.NDArray[np.bool_], skeleton: Skeleton
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return `(parameters, multiply-accumulates)` of the networks around `cells`, each `(n,)` int64.

    Args:
        cells: `(n, 6)` operation codes.
        live: `(n, 6)` the edges that are built.
        skeleton: what is around the cell.
    """
    conv3 = ((cells == CONV3) & live).sum(axis=1)
    conv1 = ((cells == CONV1) & live).sum(axis=1)
    height, width = skeleton.input_shape[1:]
    c = skeleton.channels
    stem = 9 * skeleton.input_shape[0] * c
    parameters = np.full(len(cells), stem + 2 * c, dtype=np.int64)
    macs = np.full(len(cells), stem * height * width, dtype=np.int64)
    strides = [(1, 1), *reduction_strides(skeleton)]
    for stage in range(STAGES):
        height, width = -(-height // strides[stage][0]), -(-width // strides[stage][1])
        area = height * width
        if stage:
            weights = 9 * c * 2 * c + 9 * (2 * c) ** 2 + c * 2 * c
            parameters += weights + 4 * (2 * c)
            macs += weights * area
            c *= 2
        weights_of_cell = (9 * conv3 + conv1) * c * c
        parameters += skeleton.cells_per_stage * (weights_of_cell + 2 * c * (conv3 + conv1))
        macs += skeleton.cells_per_stage * weights_of_cell * area
    parameters += 2 * c + (c + 1) * skeleton.n_classes
    macs += c * skeleton.n_classes
    return parameters, macs


def weight_matrices(cells: Population, live: npt.NDArray[np.bool_], skeleton: Skeleton) -> Matrices:
    """Return the weight matrices of the networks around `cells`, `(n, slots)`: only `layers` differs between them.

    Args:
        cells: `(n, 6)` operation codes.
        live: `(n, 6)` the edges that are built.
        skeleton: what is around the cell.
    """
    height, width = skeleton.input_shape[1:]
    c = skeleton.channels
    fixed = [Matrix(9 * skeleton.input_shape[0], c, 1, height * width, 1)]
    of_conv3: list[Matrix] = []
    of_conv1: list[Matrix] = []
    for stride_height, stride_width in [(1, 1), *reduction_strides(skeleton)]:
        height, width = -(-height // stride_height), -(-width // stride_width)
        area = height * width
        if of_conv3:
            fixed += [
                Matrix(9 * c, 2 * c, 1, area, 1),
                Matrix(18 * c, 2 * c, 1, area, 1),
                Matrix(c, 2 * c, 1, area, 1),
            ]
            c *= 2
        of_conv3.append(Matrix(9 * c, c, 1, area, skeleton.cells_per_stage))
        of_conv1.append(Matrix(c, c, 1, area, skeleton.cells_per_stage))
    fixed.append(Matrix(c, skeleton.n_classes, 1, 1, 1))
    slots = np.array([*fixed, *of_conv3, *of_conv1], dtype=np.int64).T
    times = np.ones((len(cells), slots.shape[1]), dtype=np.int64)
    times[:, len(fixed) : -STAGES] = ((cells == CONV3) & live).sum(axis=1)[:, None]
    times[:, -STAGES:] = ((cells == CONV1) & live).sum(axis=1)[:, None]
    rows, columns, groups, positions, layers = (np.broadcast_to(values, times.shape) for values in slots)
    return Matrices(rows, columns, groups, positions, layers * times)
