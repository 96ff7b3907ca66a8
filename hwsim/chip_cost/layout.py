"""Which layer lies where on which tile."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hwsim.hardware import TileSpec
from hwsim.mapping import Place, Tile, map_layer
from hwsim.sharing import shared


@dataclass(frozen=True)
class Piece:
    """A part of a layer's matrix on a tile.

    Attributes:
        node: place of the layer among the nodes of its network.
        copy: of the equal layers that the node stands for, from 0.
        part: rows and columns of the layer's whole matrix.
        tile: number of the tile.
        row: of the tile, where the piece begins.
        column: of the tile, where the piece begins.
    """

    node: int
    copy: int
    part: Tile
    tile: int
    row: int
    column: int

    @property
    def rows(self) -> int:
        """Rows of the piece."""
        return self.part.row1 - self.part.row0

    @property
    def columns(self) -> int:
        """Columns of the piece."""
        return self.part.col1 - self.part.col0

    def to_json(self) -> dict[str, int]:
        """Return where the piece lies; `layer` counts from 0."""
        return {
            "layer": self.node,
            "tile": self.tile,
            "row": self.row,
            "column": self.column,
            "rows": self.rows,
            "columns": self.columns,
            "first_row": self.part.row0,
            "first_column": self.part.col0,
        }


class Matrix(NamedTuple):
    """A layer that is placed.

    Attributes:
        rows: of the whole matrix; 0 for a digital step.
        columns: of the whole matrix.
        groups: diagonal blocks.
        copies: equal layers side by side.
        depth: analog layers on the longest way to it, itself included.
    """

    rows: int
    columns: int
    groups: int
    copies: int
    depth: int


def place(matrices: Sequence[Matrix], tile: TileSpec, mapping: Literal["one-layer", "packed"]) -> list[Piece]:
    """Return every piece of a network.

    Pieces are packed in the order of their size, then of their depth: two descriptions of one network that list its
    layers in another order have as many tiles, which are shared by as deep layers.

    Args:
        matrices: one a node.
        tile: size of the tiles.
        mapping: whether small layers share tiles.
    """
    layers = sorted(
        (
            (node, copy)
            for node, matrix in enumerate(matrices)
            if matrix.rows
            for copy in range(matrix.copies)
        ),
        key=lambda layer: matrices[layer[0]].depth if mapping == "packed" else 0,
    )
    mappings = {layer: map_layer(*matrices[layer[0]][:3], tile.rows, tile.columns) for layer in layers}
    if mapping == "packed":
        mappings = shared(mappings)
    numbers = itertools.count()
    return [
        Piece(
            node, copy, part, *(Place(next(numbers), 0, 0) if found.places is None else found.places[index])
        )
        for (node, copy), found in mappings.items()
        for index, part in enumerate(found.tiles)
    ]
