"""The layers of NAS-Bench-201 networks as graphs, from their cells alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_spaces.layer_graph import INPUT, GraphBuilder, LayerGraph, window_need
from search_spaces.nasbench201.cell import CONV1, CONV3, EDGES, POOL, SKIP
from search_spaces.nasbench201.skeleton import STAGES, Skeleton, reduction_strides
from search_spaces.space import Population


def layer_graph(cells: Population, live: npt.NDArray[np.bool_], skeleton: Skeleton) -> LayerGraph:
    """Return the graph of the network around each cell.

    Args:
        cells: `(n, 6)` operation codes.
        live: `(n, 6)` the edges that are built.
        skeleton: what is around the cell.
    """
    graph = GraphBuilder(len(cells))
    channels, (height, width) = skeleton.channels, skeleton.input_shape[1:]
    before = graph.layer(9 * skeleton.input_shape[0], channels, height * width)
    strides = [(1, 1), *reduction_strides(skeleton)]
    for stage in range(STAGES):
        if stage:
            before = _add_reduction(graph, before, channels, (height, width), strides[stage])
            channels *= 2
        height, width = -(-height // strides[stage][0]), -(-width // strides[stage][1])
        for _ in range(skeleton.cells_per_stage):
            before = _add_cell(graph, before, cells, live, channels, (height, width))
    area = height * width
    pooled = graph.step(channels, 1, area * channels if area > 1 else 0, sources=[(before, area)])
    graph.layer(channels, skeleton.n_classes, 1, sources=[(pooled, 1)])
    return graph.built()


def _add_cell(
    graph: GraphBuilder,
    before: int,
    cells: Population,
    live: npt.NDArray[np.bool_],
    channels: int,
    size: tuple[int, int],
) -> int:
    """Add a cell, and return the place of its output: each of its nodes is a sum, of one term or more."""
    area, window = size[0] * size[1], window_need(3, 1, *size)
    nodes = [before]
    for target in range(1, 4):
        terms = []
        n_terms = np.zeros(len(cells), dtype=np.int64)
        for edge in (place for place, ends in enumerate(EDGES) if ends[1] == target):
            source, code = nodes[EDGES[edge][0]], np.where(live[:, edge], cells[:, edge], -1)
            is_conv3, is_conv1, is_pool = code == CONV3, code == CONV1, code == POOL
            conv = graph.layer(
                np.where(is_conv3, 9, 1) * channels,
                channels,
                area,
                copies=is_conv3 | is_conv1,
                sources=[(source, np.where(is_conv3, window, 1))],
            )
            pool = graph.step(channels, area, 9 * channels * area, copies=is_pool, sources=[(source, window)])
            place = np.select([is_conv3 | is_conv1, is_pool, code == SKIP], [conv, pool, source], INPUT)
            terms.append((place, 1))
            n_terms += place != INPUT
        additions = np.maximum(n_terms - 1, 0) * channels * area
        nodes.append(graph.step(channels, area, additions, copies=n_terms > 0, sources=terms))
    return nodes[-1]


def _add_reduction(
    graph: GraphBuilder, before: int, channels: int, size: tuple[int, int], stride: tuple[int, int]
) -> int:
    """Add the residual block between two stages, and return the place of its output."""
    height, width = -(-size[0] // stride[0]), -(-size[1] // stride[1])
    area, wider = height * width, 2 * channels
    first = graph.layer(9 * channels, wider, area, sources=[(before, window_need(3, 1, *size))])
    second = graph.layer(9 * wider, wider, area, sources=[(first, window_need(3, 1, height, width))])
    # an average pool as large as its stride
    need = min(stride[0] - 1, size[0] - 1) * size[1] + min(stride[1] - 1, size[1] - 1) + 1
    pool = graph.step(channels, area, stride[0] * stride[1] * channels * area, sources=[(before, need)])
    skip = graph.layer(channels, wider, area, sources=[(pool, 1)])
    return graph.step(wider, area, wider * area, sources=[(second, 1), (skip, 1)])
