"""Parameters, multiply-accumulates and weight matrices of the ResNet-like networks, from their genotypes alone.

With `c` channels in, `w` out, `v` inside a bottleneck, `A` and `a` map positions
before and after the first residual block of a main block (its stride), a branch of that block costs

    basic       9 c w a + 9 w w a             parameters 9 c w + 9 w w + 2 (2 w)
    bottleneck  c v A + 9 v v a + v w a       parameters c v + 9 v v + v w + 2 (2 v + w)

and the 1 x 1 convolution of its skip `c w a` (parameters `c w + 2 w`), where a skip is there and shapes
differ. Later residual blocks have `c = w` and `A = a`. Batch normalisation has two parameters a channel and
no multiply-accumulates: after training it is folded into the digital scale that follows the analog-to-digital
converter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search_spaces.matrices import Matrices
from search_spaces.resnet.geometry import GeometryTable
from search_spaces.resnet.ranges import CT, KS0, SKIP, B, R, Ranges
from search_spaces.resnet.widths import widths
from search_spaces.space import Population

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Sizes of every network of a population; arrays are `(n, main blocks)` unless another shape is given.

    Attributes:
        active: which main blocks a network has.
        residual_blocks: R, 0 where inactive.
        branches: B, 0 where inactive.
        bottleneck: whether the type is A or C.
        skip: whether residual blocks have a skip.
        projection: whether the first residual block's skip is a 1 x 1 convolution.
        channels_in: channels before the main block.
        channels_out: channels after it.
        channels_inside: channels of the 3 x 3 convolution of a bottleneck; `channels_out` of a basic block.
        area_in: map positions before the main block.
        area_out: map positions after it.
        height_in: rows of the map before the main block.
        width_in: its columns.
        height_out: rows of the map after it.
        width_out: its columns.
        stem_area: `(n,)` map positions after the first convolution.
        kernel: `(n,)` its kernel size.
        stem_channels: `(n,)` its channels.
        last_channels: `(n,)` inputs of the linear layer.
    """

    active: npt.NDArray[np.bool_]
    residual_blocks: Integers
    branches: Integers
    bottleneck: npt.NDArray[np.bool_]
    skip: npt.NDArray[np.bool_]
    projection: npt.NDArray[np.bool_]
    channels_in: Integers
    channels_out: Integers
    channels_inside: Integers
    area_in: Integers
    area_out: Integers
    height_in: Integers
    width_in: Integers
    height_out: Integers
    width_out: Integers
    stem_area: Integers
    kernel: Integers
    stem_channels: Integers
    last_channels: Integers


def layout(population: Population, ranges: Ranges, table: GeometryTable) -> Layout:
    """Return the sizes of every network of `population`, `(n, genes)` int64.

    Raises:
        ValueError: for rows of another space.
    """
    ranges.check_rows(population)
    blocks, active = ranges.blocks(population), ranges.active(population)
    width = widths(population, ranges)
    kernel = population[:, KS0]
    index = kernel - ranges.ks0[0]
    bottleneck = active & (blocks[:, :, CT] % 2 == 0)
    skip = active & (blocks[:, :, SKIP] == 1)
    channels_in, channels_out = width[:, :-1], width[:, 1:]
    within = {"full": channels_out, "input": channels_in, "quarter": np.maximum(channels_out // 4, 1)}
    inside = np.where(bottleneck, within[ranges.bottleneck], channels_out)
    return Layout(
        active=active,
        residual_blocks=blocks[:, :, R] * active,
        branches=blocks[:, :, B] * active,
        bottleneck=bottleneck,
        skip=skip,
        projection=skip & ((channels_in != channels_out) | table.strided[index]),
        channels_in=channels_in,
        channels_out=channels_out,
        channels_inside=inside,
        area_in=table.area_in[index],
        area_out=table.area_out[index],
        height_in=table.height_in[index],
        width_in=table.width_in[index],
        height_out=table.height_out[index],
        width_out=table.width_out[index],
        stem_area=table.stem_area[index],
        kernel=kernel,
        stem_channels=width[:, 0],
        last_channels=width[:, -1],
    )


def count_parameters(sizes: Layout, ranges: Ranges) -> Integers:
    """Return the trainable parameters of each network, `(n,)` int64."""
    c, w, v = sizes.channels_in, sizes.channels_out, sizes.channels_inside
    norms = np.where(sizes.bottleneck, 4 * v + 2 * w, 4 * w)
    spatial_and_last = np.where(sizes.bottleneck, 9 * v * v + v * w, 9 * w * w) + norms
    first_factor = np.where(sizes.bottleneck, v, 9 * w)
    per_block = _over_residual_blocks(sizes, first_factor * c, first_factor * w, spatial_and_last)
    per_block += sizes.projection * (c * w + 2 * w)
    stem = (ranges.input_shape[0] * sizes.kernel**2 + 2) * sizes.stem_channels
    total: Integers = stem + per_block.sum(axis=1) + (sizes.last_channels + 1) * ranges.n_classes
    return total


def count_macs(sizes: Layout, ranges: Ranges) -> Integers:
    """Return the multiply-accumulates of one inference of each network, `(n,)` int64."""
    c, w, v = sizes.channels_in, sizes.channels_out, sizes.channels_inside
    before, after = sizes.area_in, sizes.area_out
    spatial_and_last = np.where(sizes.bottleneck, 9 * v * v + v * w, 9 * w * w) * after
    first_factor = np.where(sizes.bottleneck, v, 9 * w)
    entry = first_factor * c * np.where(sizes.bottleneck, before, after)
    per_block = _over_residual_blocks(sizes, entry, first_factor * w * after, spatial_and_last)
    per_block += sizes.projection * (c * w * after)
    stem = ranges.input_shape[0] * sizes.kernel**2 * sizes.stem_channels * sizes.stem_area
    total: Integers = stem + per_block.sum(axis=1) + sizes.last_channels * ranges.n_classes
    return total


def weight_matrices(sizes: Layout, ranges: Ranges) -> Matrices:
    """Return the weight matrices of each network, `(n, 2 + 5 main blocks)`.

    The slots are the first convolution, the linear layer, and for each main block the first convolution of its
    first residual block, the same of later ones, the 3 x 3 convolution after it, the last 1 x 1 convolution of
    a bottleneck, and the 1 x 1 convolution of the skip.
    """
    c, w, v, after = sizes.channels_in, sizes.channels_out, sizes.channels_inside, sizes.area_out
    area = np.where(sizes.bottleneck, 1, 9)
    total = sizes.branches * sizes.residual_blocks
    ones = np.ones(len(sizes.kernel), dtype=np.int64)
    stem = (ranges.input_shape[0] * sizes.kernel**2, sizes.stem_channels, sizes.stem_area, ones)
    linear = (sizes.last_channels, ranges.n_classes * ones, ones, ones)
    blocks = (
        (area * c, v, np.where(sizes.bottleneck, sizes.area_in, after), sizes.branches),
        (area * w, v, after, total - sizes.branches),
        (9 * v, v, after, total),
        (v, w, after, total * sizes.bottleneck),
        (c, w, after, sizes.projection.astype(np.int64)),
    )
    rows, columns, positions, layers = (
        np.concatenate([first[:, None], last[:, None], *own], axis=1)
        for first, last, *own in zip(stem, linear, *blocks, strict=True)
    )
    return Matrices(rows, columns, np.ones_like(rows), positions, layers)


def _over_residual_blocks(sizes: Layout, entry: Integers, repeat: Integers, rest: Integers) -> Integers:
    """Return the cost of all branches: one residual block enters with `entry`, the others with `repeat`."""
    later = np.maximum(sizes.residual_blocks - 1, 0)
    total: Integers = sizes.branches * (entry + rest + later * (repeat + rest))
    return total
