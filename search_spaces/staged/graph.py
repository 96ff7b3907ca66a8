"""The layers of staged networks in order: what each waits for, from their sizes alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from search_spaces.layer_graph import GraphBuilder, LayerGraph
from search_spaces.staged.layout import Layout
from search_spaces.staged.ranges import StagedRanges

Integers = npt.NDArray[np.int64]


def layer_graph(sizes: Layout, ranges: StagedRanges) -> LayerGraph:
    """Return the graph of each network."""
    n = len(sizes.stem_channels)
    graph = GraphBuilder(n)
    rows = ranges.input_shape[0] * sizes.stem_kernel.prod(axis=-1)
    before = np.full(n, graph.layer(rows, sizes.stem_channels, sizes.stem_size.prod(axis=-1)))
    depth = sizes.depth.sum(axis=1)
    ends = np.cumsum(sizes.depth, axis=1)
    for place in range(int(depth.max(initial=0))):
        # the stage that block number `place` belongs to, the last one where a network has ended
        stage = np.minimum((ends <= place).sum(axis=1), ends.shape[1] - 1)
        is_first = _at(ends - sizes.depth, stage) == place
        here = _block(sizes, stage, is_first)
        before = np.where(place < depth, _add_block(graph, here, before, place < depth), before)
    area = sizes.last_area
    pooled = graph.step(
        sizes.last_channels, 1, np.where(area > 1, area * sizes.last_channels, 0), sources=[(before, area)]
    )
    graph.layer(sizes.last_channels, ranges.n_classes, 1, sources=[(pooled, 1)])
    return graph.built()


@dataclass(frozen=True)
class _Block:
    """Sizes of one residual block of each network, `(networks,)` each."""

    expanded: npt.NDArray[np.bool_]
    double: npt.NDArray[np.bool_]
    separable: npt.NDArray[np.bool_]
    projection: npt.NDArray[np.bool_]
    channels_in: Integers
    inside: Integers
    channels_out: Integers
    window: Integers
    groups: Integers
    area: Integers
    area_before: Integers
    need_before: Integers
    need_after: Integers


def _at(values: npt.NDArray[Any], stage: Integers) -> npt.NDArray[Any]:
    """Return the value of one stage of each network, `(networks, ...)`."""
    return np.asarray(values[np.arange(len(values)), stage])


def _block(sizes: Layout, stage: Integers, is_first: npt.NDArray[np.bool_]) -> _Block:
    after, kernel = _at(sizes.size_out, stage), _at(sizes.kernel, stage)
    map_before = np.where(is_first[:, None], _at(sizes.size_in, stage), after)
    channels_out = _at(sizes.channels_out, stage)
    return _Block(
        expanded=_at(sizes.expanded, stage),
        double=_at(sizes.double, stage),
        separable=_at(sizes.separable, stage),
        projection=_at(sizes.projection, stage) & is_first,
        channels_in=np.where(is_first, _at(sizes.channels_in, stage), channels_out),
        inside=_at(sizes.inside, stage),
        channels_out=channels_out,
        window=_at(sizes.window, stage),
        groups=_at(sizes.groups, stage),
        area=after.prod(axis=-1),
        area_before=map_before.prod(axis=-1),
        need_before=_need(kernel, map_before),
        need_after=_need(kernel, after),
    )


def _need(kernel: Integers, size: Integers) -> Integers:
    """Return how many places of a map, row by row, the first place of a padded window's result needs."""
    down, across = np.minimum(kernel // 2, size - 1).T
    return np.asarray(down * size[:, 1] + across + 1)


def _add_block(
    graph: GraphBuilder, block: _Block, before: Integers, exists: npt.NDArray[np.bool_]
) -> Integers:
    """Add a residual block to the networks that have it, and return the place of its output."""
    wide, apart = block.expanded, block.separable & exists
    two = wide | apart | block.double
    first = graph.layer(
        np.where(wide, 1, block.window) * block.channels_in,
        np.where(apart, block.channels_in, block.inside),
        np.where(wide, block.area_before, block.area),
        groups=np.where(apart, block.channels_in, 1),
        copies=exists,
        sources=[(before, np.where(wide, 1, block.need_before))],
    )
    second = graph.layer(
        np.where(apart, block.channels_in, block.window * block.inside),
        block.inside,
        block.area,
        groups=block.groups,
        copies=exists & two,
        sources=[(first, np.where(wide, block.need_before, np.where(apart, 1, block.need_after)))],
    )
    third = graph.layer(
        block.inside, block.channels_out, block.area, copies=exists & wide, sources=[(second, 1)]
    )
    projection = graph.layer(
        block.channels_in,
        block.channels_out,
        block.area,
        copies=exists & block.projection,
        sources=[(before, 1)],
    )
    last = np.where(wide, third, np.where(two, second, first))
    return np.full(
        len(last),
        graph.step(
            block.channels_out,
            block.area,
            block.channels_out * block.area,
            copies=exists,
            sources=[(last, 1), (np.where(block.projection, projection, before), 1)],
        ),
    )
