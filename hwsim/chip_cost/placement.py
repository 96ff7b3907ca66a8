"""The pieces of a whole population on tiles that layers share: one array for each property of a piece.

Compiled for populations where there is a C compiler, else network by network with `hwsim.chip_cost.layout.place`; both
give the same.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hwsim.chip_cost.layout import Matrix, Piece, place
from hwsim.hardware import TileSpec
from hwsim.kernels.library import Kernels, compiled, header_of
from hwsim.mapping import Tile, count_tiles

Integers = npt.NDArray[np.int64]

FEWEST: Final = 8
"""Networks below which nothing is built with the C compiler, unless they have many pieces."""

MANY: Final = 500
"""Pieces."""

_HEADER: Final = header_of(__package__, "place.h")


@dataclass(frozen=True, eq=False)
class Placement:
    """Pieces of all networks, network after network; arrays are `(pieces,)` int64.

    Attributes:
        first: number of the first piece of each network, and of all pieces, `(networks + 1,)`.
        node: place of the layer among the nodes of its network.
        copy: of the equal layers that the node stands for.
        row0: of the layer's whole matrix, where the piece begins.
        row1: of the same, where it ends.
        col0: of the same, its first column.
        col1: of the same, the column after its last.
        tile: number of the tile.
        row: of the tile, where the piece begins.
        column: of the tile, where the piece begins.
    """

    first: Integers
    node: Integers
    copy: Integers
    row0: Integers
    row1: Integers
    col0: Integers
    col1: Integers
    tile: Integers
    row: Integers
    column: Integers

    @property
    def network(self) -> Integers:
        """The network of each piece."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    def of(self, network: int) -> list[Piece]:
        """Return the pieces of one network."""
        own = slice(self.first[network], self.first[network + 1])
        columns = (
            values[own].tolist()
            for values in (self.node, self.copy, self.row0, self.row1, self.col0, self.col1)
        )
        places = (values[own].tolist() for values in (self.tile, self.row, self.column))
        return [
            Piece(node, copy, Tile(*part), *where)
            for node, copy, *part, where in zip(*columns, zip(*places, strict=True), strict=True)
        ]


def place_all(
    rows: Integers, columns: Integers, groups: Integers, copies: Integers, depths: Integers, tile: TileSpec
) -> Placement:
    """Return the pieces of every network on shared tiles.

    Args:
        rows: of the matrix of each node, `(networks, nodes)`; 0 for a digital step or no node.
        columns: of the matrices, of the same shape.
        groups: diagonal blocks, of the same shape, 1 or more.
        copies: equal layers side by side, of the same shape.
        depths: analog layers on the longest way to each node, of the same shape.
        tile: size of the tiles.

    Raises:
        MemoryError: when the compiled placement cannot get its memory.
    """
    there = (rows > 0) & (copies > 0)
    each = np.zeros_like(rows)
    each[there] = count_tiles(rows[there], columns[there], groups[there], tile.rows, tile.columns)
    first = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum((each * copies).sum(axis=1))])
    matrices = tuple(
        np.ascontiguousarray(values, dtype=np.int64) for values in (rows, columns, groups, copies, depths)
    )
    kernels = _kernels() if len(rows) >= FEWEST or first[-1] >= MANY else None
    if kernels is None:
        return _plain(matrices, first, tile)
    found = np.empty((9, int(first[-1])), dtype=np.int64)
    given = _HEADER.structures["Placement"](
        *rows.shape,
        tile.rows,
        tile.columns,
        *(values.ctypes.data for values in (*matrices, first)),
        *(column.ctypes.data for column in found),
    )
    if kernels.hwsim_place(ctypes.byref(given)):
        raise MemoryError("the pieces of networks on tiles")
    return Placement(first, *found)


def _plain(matrices: tuple[Integers, ...], first: Integers, tile: TileSpec) -> Placement:
    def pieces() -> Iterator[tuple[int, ...]]:
        for network in np.stack(matrices, axis=-1).tolist():
            for piece in place([Matrix(*matrix) for matrix in network], tile, "packed"):
                yield piece.node, piece.copy, *piece.part, piece.tile, piece.row, piece.column

    found = np.array(list(pieces()), dtype=np.int64).reshape(-1, 9)
    return Placement(first, *np.ascontiguousarray(found.T))


@functools.cache
def _kernels() -> Kernels | None:
    return compiled(__package__, "place.c", _HEADER)
