"""What every layer of many networks takes on tiles, in whole numbers: tiles, rows, columns and cells in use.

The tiles are those of `hwsim.mapping`, counted without making them: a matrix larger than a tile is split in near-equal
parts, whole groups share a tile while they fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.chip_cost.layers import Layers
from hwsim.hardware import TileSpec
from hwsim.mapping import count_tiles

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TileCounts:
    """Of one layer each, its copies left out; int64 of the shape of the layers.

    Attributes:
        tiles: that hold its matrix.
        rows: in use, summed over these tiles.
        columns: in use, summed over these tiles: conversions of one multiplication.
        cells: in use by rows and columns together, summed over these tiles; those off the diagonal blocks included.
        weights: that are programmed.
        row_blocks: tiles whose outputs are added up to one output.
        widest: columns in use of its widest tile.
    """

    tiles: Integers
    rows: Integers
    columns: Integers
    cells: Integers
    weights: Integers
    row_blocks: Integers
    widest: Integers


def tile_counts(layers: Layers, tile: TileSpec) -> TileCounts:
    """Return what each layer takes on tiles of that size."""
    rows, columns, groups = layers.rows, layers.columns, layers.groups
    if (groups == 1).all():
        down, across = -(-rows // tile.rows), -(-columns // tile.columns)
        return TileCounts(
            tiles=down * across,
            rows=rows * across,
            columns=columns * down,
            cells=rows * columns,
            weights=rows * columns,
            row_blocks=down,
            widest=-(-columns // across),
        )
    group_rows, group_columns = rows // groups, columns // groups
    tiles = count_tiles(rows, columns, groups, tile.rows, tile.columns)
    together = (groups > 1) & (np.minimum(tile.rows // group_rows, tile.columns // group_columns) >= 1)
    down = np.where(together, 1, -(-group_rows // tile.rows))
    across = np.where(together, 1, -(-group_columns // tile.columns))
    # groups that share a tile are a near-equal split of all groups over the tiles
    fewer, more = groups // tiles, groups % tiles
    squares = more * (fewer + 1) ** 2 + (tiles - more) * fewer**2
    block = group_rows * group_columns
    return TileCounts(
        tiles=tiles,
        rows=groups * group_rows * across,
        columns=groups * group_columns * down,
        cells=np.where(together, squares * block, groups * block),
        weights=groups * block,
        row_blocks=down,
        widest=np.where(together, (fewer + (more > 0)) * group_columns, -(-group_columns // across)),
    )
