"""Rectangles of weights on shared tiles, never rotated: rows of a tile are inputs, columns outputs.

Maximal rectangles with the best short side fit: each tile keeps the maximal rectangles that are free. A piece goes
where the shorter of the two sides that remain is shortest, then the longer one, then to the first tile. Pieces come in
the order of the caller; large ones first leave the least. Two pieces of a tile are never multiplied at once: each takes
a slot of its own.

References:
    Jylänki, A thousand ways to pack the bin, 2010 (MAXRECTS-BSSF); Garofalo et al., IEEE JETCAS, 2022 (for crossbars).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hwsim.mapping import Place


class _Free(NamedTuple):
    """A free rectangle of a tile: rows row0..row1-1, columns col0..col1-1."""

    row0: int
    row1: int
    col0: int
    col1: int

    def holds(self, other: _Free) -> bool:
        return (
            self.row0 <= other.row0
            and other.row1 <= self.row1
            and self.col0 <= other.col0
            and other.col1 <= self.col1
        )


def pack(pieces: Sequence[tuple[int, int]], tile_rows: int, tile_columns: int) -> list[Place]:
    """Return the place of each piece; they are placed one after the other.

    Args:
        pieces: rows and columns of each, at most those of a tile.
        tile_rows: rows of a tile.
        tile_columns: columns of a tile.

    Example:
        >>> pack([(4, 2), (2, 4), (2, 2)], 4, 4)
        [Place(tile=0, row=0, column=0), Place(tile=1, row=0, column=0), Place(tile=0, row=0, column=2)]
    """
    free: dict[int, list[_Free]] = {}  # of the tiles that are not full
    largest: dict[int, tuple[int, int]] = {}  # rows and columns that no free rectangle of a tile exceeds
    places = []
    n_tiles = 0
    for rows, columns in pieces:
        fits = [
            (*_left(space, rows, columns), tile, space)
            for tile, (most_rows, most_columns) in largest.items()
            if most_rows >= rows and most_columns >= columns
            for space in free[tile]
            if space.row1 - space.row0 >= rows and space.col1 - space.col0 >= columns
        ]
        if fits:
            _, _, tile, space = min(fits)
        else:
            tile, space = n_tiles, _Free(0, tile_rows, 0, tile_columns)
            free[tile] = [space]
            n_tiles += 1
        places.append(Place(tile, space.row0, space.col0))
        taken = _Free(space.row0, space.row0 + rows, space.col0, space.col0 + columns)
        free[tile] = _without(free[tile], taken)
        if free[tile]:
            largest[tile] = (
                max(left.row1 - left.row0 for left in free[tile]),
                max(left.col1 - left.col0 for left in free[tile]),
            )
        else:
            del free[tile]
            largest.pop(tile, None)
    return places


def _left(space: _Free, rows: int, columns: int) -> tuple[int, int]:
    """Return what remains of the two sides of a free rectangle, the shorter first."""
    down, across = space.row1 - space.row0 - rows, space.col1 - space.col0 - columns
    return min(down, across), max(down, across)


def _without(spaces: list[_Free], taken: _Free) -> list[_Free]:
    """Return the maximal free rectangles that are left."""
    kept, cut = [], []
    for space in spaces:
        apart = (
            taken.row1 <= space.row0
            or space.row1 <= taken.row0
            or taken.col1 <= space.col0
            or space.col1 <= taken.col0
        )
        if apart:
            kept.append(space)
            continue
        if space.row0 < taken.row0:
            cut.append(space._replace(row1=taken.row0))
        if taken.row1 < space.row1:
            cut.append(space._replace(row0=taken.row1))
        if space.col0 < taken.col0:
            cut.append(space._replace(col1=taken.col0))
        if taken.col1 < space.col1:
            cut.append(space._replace(col0=taken.col1))
    for one in cut:
        larger = [other for other in cut if other != one]
        if not any(other.holds(one) for other in (*kept, *larger)):
            kept.append(one)
    return kept
