"""Which layer lies where on which tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hwsim.hardware import TileSpec
from hwsim.mapping import Tile, map_layer
from hwsim.packing import pack


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
    parts = [
        (node, copy, part)
        for node, matrix in enumerate(matrices)
        if matrix.rows > 0
        for copy in range(matrix.copies)
        for part in map_layer(matrix.rows, matrix.columns, matrix.groups, tile.rows, tile.columns).tiles
    ]
    if mapping == "one-layer":
        return [Piece(*one, number, 0, 0) for number, one in enumerate(parts)]

    def size_and_depth(one: tuple[int, int, Tile]) -> tuple[int, int, int]:
        node, _, part = one
        rows, columns = part.row1 - part.row0, part.col1 - part.col0
        return -rows * columns, rows, matrices[node].depth

    parts.sort(key=size_and_depth)
    sizes = [(part.row1 - part.row0, part.col1 - part.col0) for _, _, part in parts]
    placed = pack(sizes, tile.rows, tile.columns)
    return [Piece(*one, *where) for one, where in zip(parts, placed, strict=True)]
