"""Which layer lies where on which tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hwsim.chip_cost.packing import pack
from hwsim.hardware import TileSpec
from hwsim.mapping import Tile, map_layer


@dataclass(frozen=True)
class Piece:
    """A part of a layer's matrix on a tile.

    Attributes:
        node: place of the layer among the nodes of its network.
        part: rows and columns of the layer's whole matrix.
        tile: number of the tile.
        row: of the tile, where the piece begins.
        column: of the tile, where the piece begins.
    """

    node: int
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


def place(
    matrices: Sequence[tuple[int, int, int, int]], tile: TileSpec, mapping: Literal["one-layer", "packed"]
) -> list[Piece]:
    """Return every piece of a network.

    Args:
        matrices: rows, columns, groups and copies of each node; rows of 0 for one without a matrix.
        tile: size of the tiles.
        mapping: whether small layers share tiles.
    """
    parts = [
        (node, part)
        for node, (rows, columns, groups, copies) in enumerate(matrices)
        if rows > 0
        for _ in range(copies)
        for part in map_layer(rows, columns, groups, tile.rows, tile.columns).tiles
    ]
    if mapping == "one-layer":
        return [Piece(node, part, number, 0, 0) for number, (node, part) in enumerate(parts)]
    sizes = [(part.row1 - part.row0, part.col1 - part.col0) for _, part in parts]
    placed = pack(sizes, tile.rows, tile.columns)
    return [Piece(node, part, *where) for (node, part), where in zip(parts, placed, strict=True)]
