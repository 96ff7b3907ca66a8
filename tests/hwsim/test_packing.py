"""Small layers on shared tiles."""

import numpy as np
import pytest

from hwsim.packing import pack


@pytest.mark.parametrize("seed", range(5))
def test_pieces_lie_inside_of_tiles_and_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pieces = [(int(rows), int(columns)) for rows, columns in rng.integers(1, 41, size=(60, 2))]
    pieces.sort(key=lambda piece: -piece[0] * piece[1])
    places = pack(pieces, 40, 50)
    taken = np.zeros((max(place.tile for place in places) + 1, 40, 50), dtype=int)
    for (rows, columns), place in zip(pieces, places, strict=True):
        assert place.row + rows <= 40
        assert place.column + columns <= 50
        taken[place.tile, place.row : place.row + rows, place.column : place.column + columns] += 1
    assert taken.max() == 1
    assert taken.any(axis=(1, 2)).all(), "no tile is empty"
    assert len(taken) <= 1.35 * sum(rows * columns for rows, columns in pieces) / 2000 + 1


def test_what_fits_exactly_fills_the_tile() -> None:
    assert {place.tile for place in pack([(3, 5), (3, 5), (4, 10), (3, 10)], 10, 10)} == {0}


def test_pieces_are_never_turned() -> None:
    places = pack([(2, 8), (8, 2)], 8, 8)
    assert [place.tile for place in places] == [0, 1], "a row of 8 and a column of 8 overlap"


def test_nothing_takes_no_tile() -> None:
    assert pack([], 4, 4) == []
