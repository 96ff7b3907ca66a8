"""The pieces of populations on shared tiles: compiled and network by network, to the last place."""

from unittest import mock

import numpy as np
import pytest

from hwsim.chip_cost import placement
from hwsim.chip_cost.placement import Placement, place_all
from hwsim.hardware import TileSpec
from hwsim.kernels.library import switched_off


def population(networks: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (networks, 9)
    groups = rng.choice([1, 1, 1, 2, 4, 16, 64], shape)
    rows = groups * rng.integers(1, 40, shape) * rng.choice([0, 1, 1, 1, 4], shape)
    columns = groups * rng.integers(1, 30, shape) * rng.choice([1, 1, 4], shape)
    depths = rng.integers(1, 6, shape)
    return [rows, columns, groups, rng.choice([0, 1, 1, 1, 3], shape), depths]


def plainly(matrices: list[np.ndarray], tile: TileSpec) -> Placement:
    with mock.patch.object(placement, "_kernels", lambda: None):
        return place_all(*matrices, tile)


@pytest.mark.skipif(switched_off() or placement._kernels() is None, reason="no compiled kernels")
@pytest.mark.parametrize("size", [(64, 64), (48, 100), (256, 32)])
def test_compiled_and_plain_placements_are_equal(size: tuple[int, int]) -> None:
    matrices, tile = population(40, seed=sum(size)), TileSpec(rows=size[0], columns=size[1])
    found, wanted = place_all(*matrices, tile), plainly(matrices, tile)
    for name, values in vars(wanted).items():
        np.testing.assert_array_equal(vars(found)[name], values, err_msg=name)
    assert found.tile.max() > 3
    assert found.of(7) == wanted.of(7)


def test_pieces_cover_their_matrices_and_never_overlap() -> None:
    rows, columns, groups, copies, depths = population(8, seed=3)
    found = place_all(rows, columns, groups, copies, depths, TileSpec(rows=64, columns=64))
    area = (found.row1 - found.row0) * (found.col1 - found.col0)
    used = np.zeros((8, int(found.tile.max()) + 1, 64, 64), dtype=int)
    for network in range(8):
        for piece in found.of(network):
            used[
                network,
                piece.tile,
                piece.row : piece.row + piece.rows,
                piece.column : piece.column + piece.columns,
            ] += 1
    assert used.max() == 1
    assert used.sum() == area.sum()
    dense = groups == 1
    own = np.zeros_like(rows)
    np.add.at(own, (found.network, found.node), area)
    np.testing.assert_array_equal(own[dense], (rows * columns * copies)[dense])


def test_no_networks_and_no_matrices_take_no_pieces() -> None:
    empty = [np.zeros((9, 2), dtype=np.int64) + (number == 2) for number in range(5)]
    assert len(place_all(*empty, TileSpec()).tile) == 0
    assert len(place_all(*(values[:0] for values in empty), TileSpec()).tile) == 0
