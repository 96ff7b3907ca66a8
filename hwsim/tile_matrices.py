"""A layer's weights as the matrices that its tiles hold, and back.

A layer keeps one row of its weight for each column of its tiles. A tile holds a part of the whole block-diagonal
matrix; devices off the diagonal stay unprogrammed, at 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from hwsim.mapping import LayerMapping, Tile


def tile_matrix(mapping: LayerMapping, number: int, weights: torch.Tensor) -> torch.Tensor:
    """Return what one tile holds, `(..., rows in use, columns in use)`.

    Args:
        mapping: of the layer.
        number: of the tile, among `mapping.tiles`.
        weights: `(..., columns, rows of a group)`, anything that the layer has for each weight.

    Example:
        >>> from hwsim.mapping import map_layer
        >>> depthwise = map_layer(rows=2, columns=2, groups=2, tile_rows=8, tile_columns=8)
        >>> tile_matrix(depthwise, 0, torch.tensor([[1.0], [2.0]])).tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    tile = mapping.tiles[number]
    size = (tile.row1 - tile.row0, tile.col1 - tile.col0)
    matrix = weights.new_zeros(*weights.shape[:-2], *size)
    for rows, columns, of_weights in _parts(mapping, tile):
        matrix[..., rows, columns] = weights[..., columns_of(tile, columns), of_weights].mT
    return matrix


def put_tile_(mapping: LayerMapping, number: int, matrix: torch.Tensor, weights: torch.Tensor) -> None:
    """Put what a tile holds, `(..., rows in use, columns in use)`, into `weights` `(..., columns, rows of a group)`."""
    tile = mapping.tiles[number]
    for rows, columns, of_weights in _parts(mapping, tile):
        weights[..., columns_of(tile, columns), of_weights] = matrix[..., rows, columns].mT


def columns_of(tile: Tile, columns: slice) -> slice:
    """Return the columns of the layer that are `columns` of a tile."""
    return slice(tile.col0 + columns.start, tile.col0 + columns.stop)


def _parts(mapping: LayerMapping, tile: Tile) -> Iterator[tuple[slice, slice, slice]]:
    """Yield rows and columns inside a tile for each diagonal block that meets it, and its rows inside the group."""
    group_rows, group_columns = mapping.rows // mapping.groups, mapping.columns // mapping.groups
    for group in range(tile.col0 // group_columns, -(-tile.col1 // group_columns)):
        top, left = group * group_rows, group * group_columns
        row0, row1 = max(tile.row0, top), min(tile.row1, top + group_rows)
        col0, col1 = max(tile.col0, left), min(tile.col1, left + group_columns)
        yield (
            slice(row0 - tile.row0, row1 - tile.row0),
            slice(col0 - tile.col0, col1 - tile.col0),
            slice(row0 - top, row1 - top),
        )
