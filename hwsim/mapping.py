"""A layer's weight matrix on tiles: row and column splits, block-diagonal groups, utilisation.

A layer is a matrix of `rows` inputs (input channel, then kernel position) by `columns` outputs. A matrix
larger than a tile is split in near-equal parts along both sides. A grouped convolution is block-diagonal:
whole groups share a tile while they fit, so that a depthwise layer uses one column of k² devices out of
each k² rows; devices off the diagonal stay unprogrammed and are taken as 0 µS.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023 (near-equal split, one ADC a tile, digital partial sums).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Place(NamedTuple):
    """Where a part of a matrix lies: the number of its tile, and the row and the column of its corner there."""

    tile: int
    row: int
    column: int


class Tile(NamedTuple):
    """The part of a layer's matrix that one tile holds: rows row0..row1-1, columns col0..col1-1."""

    row0: int
    row1: int
    col0: int
    col1: int


def near_equal_split(n: int, limit: int) -> tuple[tuple[int, int], ...]:
    """Return the fewest near-equal ranges of at most `limit` that cover `n`.

    Example:
        >>> near_equal_split(10, 4)
        ((0, 4), (4, 7), (7, 10))
    """
    parts = math.ceil(n / limit)
    edges = [i * (n // parts) + min(i, n % parts) for i in range(parts + 1)]
    return tuple(itertools.pairwise(edges))


@dataclass(frozen=True)
class LayerMapping:
    """How one layer lies on tiles.

    Attributes:
        rows: rows of the whole (block-diagonal) matrix.
        columns: its columns, the layer's outputs.
        groups: diagonal blocks; 1 for a dense layer.
        blocks: row ranges inside one group's matrix, one for each ADC that adds to an output.
        tiles: the tiles in the coordinates of the whole matrix.
        tile_of: `(blocks, columns)` int64, index into `tiles` of the tile that holds a block of a column.
        tile_rows: rows of each tile, in use or not.
        tile_columns: its columns.
        places: where each of `tiles` lies on a tile that layers share; None where each has a tile of its own.
        filled: rows of the tile that each of `tiles` lies on, up to the last that any layer uses; None as `places`.
    """

    rows: int
    columns: int
    groups: int
    blocks: tuple[tuple[int, int], ...]
    tiles: tuple[Tile, ...]
    tile_of: npt.NDArray[np.int64]
    tile_rows: int
    tile_columns: int
    places: tuple[Place, ...] | None = None
    filled: tuple[int, ...] | None = None

    @property
    def n_weights(self) -> int:
        """Weights that are really programmed: the diagonal blocks."""
        return self.rows * self.columns // self.groups

    @property
    def capacity(self) -> int:
        """Weights that the layer's tiles could hold."""
        return len(self.tiles) * self.tile_rows * self.tile_columns

    @property
    def utilisation(self) -> float:
        """Programmed weights over those that the tiles could hold: 1 / columns at most for a depthwise layer."""
        return self.n_weights / self.capacity

    def rows_in_use(self) -> npt.NDArray[np.int64]:
        """Return `(blocks, columns)` int64: rows in use of the tile that holds a block of a column."""
        own = [tile.row1 - tile.row0 for tile in self.tiles]
        return np.array(self.filled or own, dtype=np.int64)[self.tile_of]

    def first_row(self) -> npt.NDArray[np.int64]:
        """Return `(blocks, columns)` int64: row inside its tile where a block of a column starts."""
        group = np.arange(self.columns) // (self.columns // self.groups)
        starts = np.array([start for start, _ in self.blocks])[:, None] + group * (self.rows // self.groups)
        offsets = [0] * len(self.tiles) if self.places is None else [place.row for place in self.places]
        top = np.array(
            [tile.row0 - row for tile, row in zip(self.tiles, offsets, strict=True)], dtype=np.int64
        )
        return np.asarray(starts - top[self.tile_of], dtype=np.int64)


def map_layer(rows: int, columns: int, groups: int, tile_rows: int, tile_columns: int) -> LayerMapping:
    """Return the mapping of a `rows` × `columns` matrix of `groups` diagonal blocks.

    Args:
        rows: inputs of the whole layer, a multiple of `groups`.
        columns: outputs of the whole layer, a multiple of `groups`.
        groups: diagonal blocks.
        tile_rows: rows of a tile.
        tile_columns: columns of a tile.
    """
    group_rows, group_columns = rows // groups, columns // groups
    packed = min(tile_rows // group_rows, tile_columns // group_columns)
    tiles: list[Tile] = []
    if groups > 1 and packed >= 1:
        blocks: tuple[tuple[int, int], ...] = ((0, group_rows),)
        tile_of = np.empty((1, columns), dtype=np.int64)
        for first, last in near_equal_split(groups, packed):
            tile_of[0, first * group_columns : last * group_columns] = len(tiles)
            tiles.append(
                Tile(first * group_rows, last * group_rows, first * group_columns, last * group_columns)
            )
        return LayerMapping(rows, columns, groups, blocks, tuple(tiles), tile_of, tile_rows, tile_columns)
    blocks = near_equal_split(group_rows, tile_rows)
    tile_of = np.empty((len(blocks), columns), dtype=np.int64)
    for group in range(groups):
        for index, (row0, row1) in enumerate(blocks):
            for col0, col1 in near_equal_split(group_columns, tile_columns):
                left, top = group * group_columns, group * group_rows
                tile_of[index, left + col0 : left + col1] = len(tiles)
                tiles.append(Tile(top + row0, top + row1, left + col0, left + col1))
    return LayerMapping(rows, columns, groups, blocks, tuple(tiles), tile_of, tile_rows, tile_columns)


def count_tiles(
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    tile_rows: int,
    tile_columns: int,
) -> npt.NDArray[np.int64]:
    """Return how many tiles `map_layer` takes for each of many matrices, int64 of their shape.

    Args:
        rows: inputs of whole layers, of any shape, multiples of `groups`.
        columns: their outputs, of the same shape.
        groups: their diagonal blocks.
        tile_rows: rows of a tile.
        tile_columns: columns of a tile.

    Example:
        >>> count_tiles(np.array([1152, 144]), np.array([64, 16]), np.array([1, 16]), 512, 512).tolist()
        [3, 1]
    """
    group_rows, group_columns = rows // groups, columns // groups
    packed = np.minimum(tile_rows // group_rows, tile_columns // group_columns)
    alone = groups * -(-group_rows // tile_rows) * -(-group_columns // tile_columns)
    together = -(-groups // np.maximum(packed, 1))
    return np.asarray(np.where((groups > 1) & (packed >= 1), together, alone), dtype=np.int64)
