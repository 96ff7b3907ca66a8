import numpy as np
import pytest
from torch import nn

import hwsim
from hwsim.mapping import count_tiles, map_layer, near_equal_split


@pytest.mark.parametrize(("n", "limit"), [(1, 1), (5, 8), (8, 8), (9, 8), (1000, 256), (577, 512)])
def test_near_equal_split_covers_with_fewest_parts_that_differ_by_one(n: int, limit: int) -> None:
    parts = near_equal_split(n, limit)
    sizes = [stop - start for start, stop in parts]
    assert [i for start, stop in parts for i in range(start, stop)] == list(range(n))
    assert len(parts) == -(-n // limit)
    assert max(sizes) <= limit
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("rows", "columns", "groups"), [(100, 40, 1), (144, 16, 16), (1200, 24, 4), (90, 90, 3)]
)
@pytest.mark.parametrize("tile", [16, 33, 512])
def test_tiles_hold_every_weight_exactly_once(rows: int, columns: int, groups: int, tile: int) -> None:
    mapping = map_layer(rows, columns, groups, tile, tile)
    held = np.zeros((rows, columns), dtype=int)
    for row0, row1, col0, col1 in mapping.tiles:
        assert row1 - row0 <= tile
        assert col1 - col0 <= tile
        held[row0:row1, col0:col1] += 1
    group_of_row = np.arange(rows) * groups // rows
    group_of_column = np.arange(columns) * groups // columns
    diagonal = group_of_row[:, None] == group_of_column[None, :]
    assert (held[diagonal] == 1).all()
    assert held.max() == 1
    assert mapping.n_weights == diagonal.sum()
    for block, (row0, _) in enumerate(mapping.blocks):
        for column in range(columns):
            top, bottom, left, right = mapping.tiles[mapping.tile_of[block, column]]
            row = group_of_column[column] * rows // groups + row0
            assert top <= row < bottom
            assert left <= column < right
            assert mapping.first_row()[block, column] == row - top
            assert mapping.rows_in_use()[block, column] == bottom - top


@pytest.mark.parametrize("tile", [(1, 1), (9, 4), (64, 32), (100, 300), (512, 512)])
def test_counted_tiles_are_those_of_the_mapping(tile: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    groups = np.concatenate([np.ones(60, dtype=np.int64), rng.integers(1, 40, 140)]).reshape(20, 10)
    rows, columns = (rng.integers(1, 30, groups.shape) * groups for _ in range(2))
    counted = count_tiles(rows, columns, groups, *tile)
    each = zip(rows.ravel(), columns.ravel(), groups.ravel(), strict=True)
    mapped = [len(map_layer(*map(int, shape), *tile).tiles) for shape in each]
    assert counted.ravel().tolist() == mapped


def test_utilisation_of_a_depthwise_layer_is_honest() -> None:
    hardware = hwsim.preset("ideal-8bit").replace({"tile.rows": 90, "tile.columns": 90})
    tiles = hwsim.tile_map(hwsim.to_analog(nn.Conv2d(20, 20, 3, groups=20), hardware))
    assert tiles.n_tiles == 2  # ten channels of nine rows a tile
    assert tiles.utilisation == pytest.approx(180 / (2 * 90 * 90))
    layer = tiles.to_json()["layers"][""]
    assert layer["tiles"] == [[0, 90, 0, 10], [90, 180, 10, 20]]
    assert layer["utilisation"] == tiles.utilisation_of("") == tiles.utilisation


def test_utilisation_is_told_for_each_layer() -> None:
    hardware = hwsim.preset("ideal-8bit").replace({"tile.rows": 64, "tile.columns": 64})
    model = nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 16))
    tiles = hwsim.tile_map(hwsim.to_analog(model, hardware))
    assert tiles.utilisation_of("0") == 1 / 2
    assert tiles.utilisation_of("1") == 1 / 8
    assert tiles.utilisation == (1 / 2 + 1 / 8) / 2


def test_a_network_without_analog_layers_has_no_tile_map() -> None:
    with pytest.raises(ValueError, match="at least one analog layer"):
        hwsim.tile_map(nn.ReLU())


def test_a_tile_map_is_a_table() -> None:
    hardware = hwsim.preset("pcm-rasch2023").replace({"tile": {"rows": 8, "columns": 4}})
    tiles = hwsim.tile_map(hwsim.to_analog(nn.Sequential(nn.Linear(16, 4), nn.Linear(4, 2)), hardware))
    assert (tiles.tile_rows, tiles.tile_columns) == (8, 4)
    lines = str(tiles).splitlines()
    assert lines[1].split() == ["0", "16", "\u00d7", "4", "1", "64", "2", "8", "\u00d7", "4", "100.0", "%"]
    assert "72 weights on 3 tiles, utilisation 75.0 %" in lines[-1]
    assert tiles._repr_html_().count("<tr>") == 3
    frame = tiles.to_frame()
    assert frame["utilisation"].tolist() == [1.0, 0.25]
    assert frame["tile_rows"].tolist() == [8, 8]
    assert "tiles=3" in repr(tiles)
    with pytest.raises(KeyError, match="`O` is no analog layer"):
        tiles.utilisation_of("O")
