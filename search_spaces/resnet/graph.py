"""The layers of the ResNet-like networks as graphs, from their genotypes alone.

The branches of a residual block are equal: each of their layers is one node with as many copies. Residual blocks follow
each other without gaps, so that a network has as many nodes as its depth asks for.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from search_spaces.layer_graph import GraphBuilder, LayerGraph, window_need
from search_spaces.resnet.counting import Layout
from search_spaces.resnet.ranges import Ranges

Integers = npt.NDArray[np.int64]


def layer_graph(sizes: Layout, ranges: Ranges) -> LayerGraph:
    """Return the graph of each network."""
    n = len(sizes.kernel)
    graph = GraphBuilder(n)
    stem = graph.layer(ranges.input_shape[0] * sizes.kernel**2, sizes.stem_channels, sizes.stem_area)
    before = np.full(n, stem)
    depth = sizes.residual_blocks.sum(axis=1)
    ends = np.cumsum(sizes.residual_blocks, axis=1)
    for place in range(int(depth.max(initial=0))):
        # the main block that residual block number `place` belongs to, the last one where a network has ended
        block = np.minimum((ends <= place).sum(axis=1), ends.shape[1] - 1)
        here = _Block(sizes, block, is_first=_at(ends - sizes.residual_blocks, block) == place)
        before = np.where(place < depth, _add_block(graph, here, before, place < depth), before)
    area = _at(sizes.area_out, np.maximum(sizes.active.sum(axis=1) - 1, 0))
    pooled = graph.step(
        sizes.last_channels, 1, np.where(area > 1, area * sizes.last_channels, 0), sources=[(before, area)]
    )
    graph.layer(sizes.last_channels, ranges.n_classes, 1, sources=[(pooled, 1)])
    return graph.built()


def _at(values: npt.NDArray[Any], block: Integers) -> npt.NDArray[Any]:
    """Return the value of one main block of each network, `(networks,)`."""
    return np.asarray(np.take_along_axis(values, block[:, None], axis=1)[:, 0])


class _Block:
    """Sizes of one residual block of each network, `(networks,)` each."""

    def __init__(self, sizes: Layout, block: Integers, is_first: npt.NDArray[np.bool_]) -> None:
        of = partial(_at, block=block)
        self.bottleneck = of(sizes.bottleneck)
        self.branches = of(sizes.branches)
        self.skip = of(sizes.skip)
        self.projection = of(sizes.projection) & is_first
        self.channels_in = np.where(is_first, of(sizes.channels_in), of(sizes.channels_out))
        self.channels_inside = of(sizes.channels_inside)
        self.channels_out = of(sizes.channels_out)
        self.area = of(sizes.area_out)
        self.height, self.width = of(sizes.height_out), of(sizes.width_out)
        self.area_before = np.where(is_first, of(sizes.area_in), self.area)
        self.height_before = np.where(is_first, of(sizes.height_in), self.height)
        self.width_before = np.where(is_first, of(sizes.width_in), self.width)


def _add_block(
    graph: GraphBuilder, block: _Block, before: Integers, exists: npt.NDArray[np.bool_]
) -> Integers:
    """Add a residual block to the networks that have it, and return the place of its output."""
    copies = block.branches * exists
    is_narrow = block.bottleneck
    wide = window_need(3, 1, block.height_before, block.width_before)
    first = graph.layer(
        np.where(is_narrow, 1, 9) * block.channels_in,
        block.channels_inside,
        np.where(is_narrow, block.area_before, block.area),
        copies=copies,
        sources=[(before, np.where(is_narrow, 1, wide))],
    )
    second = graph.layer(
        9 * block.channels_inside,
        block.channels_inside,
        block.area,
        copies=copies,
        sources=[(first, np.where(is_narrow, wide, window_need(3, 1, block.height, block.width)))],
    )
    third = graph.layer(
        block.channels_inside,
        block.channels_out,
        block.area,
        copies=copies * is_narrow,
        sources=[(second, 1)],
    )
    projection = graph.layer(
        block.channels_in,
        block.channels_out,
        block.area,
        copies=exists & block.projection,
        sources=[(before, 1)],
    )
    last = np.where(is_narrow, third, second)
    sums = block.branches + block.skip - 1
    added = graph.step(
        block.channels_out,
        block.area,
        sums * block.channels_out * block.area,
        copies=(exists & (sums > 0)).astype(np.int64),
        sources=[(last, 1), (np.where(block.projection, projection, before), 1)],
    )
    return np.where(sums > 0, added, last)
