"""Tiles, rows, columns and cells of layers, against the simulator's own map."""

import numpy as np
import pytest

from hwsim.chip_cost.counts import tile_counts
from hwsim.chip_cost.layers import Layers
from hwsim.chip_cost.workload import Node, Workload
from hwsim.hardware import TileSpec
from hwsim.mapping import map_layer


@pytest.mark.parametrize("tile", [TileSpec(rows=64, columns=48), TileSpec(rows=512, columns=512)])
def test_counts_are_those_of_the_map(tile: TileSpec) -> None:
    rng = np.random.default_rng(0)
    shapes = []
    for _ in range(300):
        groups = int(rng.choice([1, 1, 2, 7, 32]))
        shapes.append((groups * int(rng.integers(1, 200)), groups * int(rng.integers(1, 150)), groups))
    counts = tile_counts(Layers(Workload.of([[Node(*shape, 5) for shape in shapes]])), tile)
    for place, (rows, columns, groups) in enumerate(shapes):
        mapping = map_layer(rows, columns, groups, tile.rows, tile.columns)
        heights = [part.row1 - part.row0 for part in mapping.tiles]
        widths = [part.col1 - part.col0 for part in mapping.tiles]
        expected = {
            "tiles": len(mapping.tiles),
            "rows": sum(heights),
            "columns": sum(widths),
            "cells": sum(height * width for height, width in zip(heights, widths, strict=True)),
            "weights": mapping.n_weights,
            "row_blocks": len(mapping.blocks),
            "widest": max(widths),
        }
        assert {name: int(getattr(counts, name)[place]) for name in expected} == expected, shapes[place]


def test_layers_alone_count_network_by_network() -> None:
    work = Workload.of(
        [[Node(0, 16, 1, 64, 1024)], [Node(9, 3, 1, 1), Node(0, 3, 1, 1, 9), Node(600, 3, 1, 2)], []]
    )
    layers = Layers(work)
    counts = tile_counts(layers, TileSpec())
    assert counts.tiles.tolist() == [1, 2]
    assert layers.sums(counts.tiles).tolist() == [0, 3, 0]
    assert layers.spread(counts.tiles).tolist() == [[0, 0, 0], [1, 0, 2], [0, 0, 0]]
