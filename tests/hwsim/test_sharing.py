"""Layers that share tiles in the simulator."""

import json

import pytest
import torch
from torch import nn

import hwsim

RASCH = hwsim.preset("pcm-rasch2023").replace({"tile.rows": 64, "tile.columns": 32})
PACKED = RASCH.replace({"tile.mapping": "packed"})


def network() -> nn.Module:
    torch.manual_seed(0)
    first = nn.Conv2d(1, 8, 3, padding=1)
    depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
    return nn.Sequential(
        first, nn.ReLU(), depthwise, nn.ReLU(), nn.Flatten(), nn.Linear(128, 20), nn.Linear(20, 10)
    )


def outputs(hardware: hwsim.Hardware) -> torch.Tensor:
    net = hwsim.to_analog(network(), hardware)
    x = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    hwsim.calibrate(net, x)
    (found,) = hwsim.outputs(hwsim.program(net, 1, seed=3), x, "1 s")
    return found.outputs


def test_a_shared_tile_counts_once() -> None:
    alone, packed = (hwsim.tile_map(hwsim.to_analog(network(), hw)) for hw in (RASCH, PACKED))
    assert packed.n_tiles < alone.n_tiles == sum(len(layer.tiles) for layer in alone.layers.values())
    assert packed.n_weights == alone.n_weights
    assert packed.utilisation == pytest.approx(alone.utilisation * alone.n_tiles / packed.n_tiles)
    taken = torch.zeros(packed.n_tiles, 64, 32, dtype=torch.int64)
    for layer in packed.layers.values():
        for part, place in zip(layer.tiles, layer.places or (), strict=True):
            rows = slice(place.row, place.row + part.row1 - part.row0)
            taken[place.tile, rows, place.column : place.column + part.col1 - part.col0] += 1
    assert taken.max() == 1


def test_map_summary_and_cost_count_the_same_tiles() -> None:
    net = network()
    chip = {"chip": "aon-cim", "hardware": PACKED.model_dump(), "tile": PACKED.tile.model_dump(), "tiles": 9}
    found = hwsim.cost(net, chip, input_shape=(1, 4, 4))
    analog = hwsim.to_analog(net, PACKED)
    assert found.tiles_used == hwsim.tile_map(analog).n_tiles == hwsim.summary(analog).n_tiles
    assert found.tiles_used == hwsim.summary(net, hardware=PACKED).n_tiles
    assert found.to_json()["mapping"] == "packed"


def test_sharing_changes_nothing_but_the_drop_of_voltage() -> None:
    without = {"mvm.ir_drop": 0.0}
    assert torch.equal(outputs(RASCH.replace(without)), outputs(PACKED.replace(without)))
    strong = {"mvm.ir_drop": 20.0, "converters.adc_bits": 16}
    apart, together = (outputs(hardware.replace(strong)) for hardware in (RASCH, PACKED))
    assert not torch.equal(apart, together)
    assert torch.allclose(apart, together, atol=0.1)


def test_stored_hardware_brings_the_same_places(tmp_path) -> None:
    net = hwsim.to_analog(network(), PACKED)
    hwsim.calibrate(net, torch.randn(6, 1, 4, 4))
    path = tmp_path / "analog.json"
    path.write_text(json.dumps(hwsim.analog_parameters(net)))
    again = hwsim.load_analog(network(), path, PACKED)
    assert hwsim.tile_map(again).to_json() == hwsim.tile_map(net).to_json()


def test_a_chip_or_its_file_stands_for_its_hardware(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("chip: hermes-64core\nmapping: packed\n")
    chip = hwsim.read_chip(path)
    for hardware in (chip, path, str(path)):
        assert hwsim.tile_map(hwsim.to_analog(network(), hardware)).n_tiles == 1
        assert hwsim.summary(network(), hardware=hardware).n_tiles == 1
    with pytest.raises(ValueError, match="got the chip aon-cim, which describes none"):
        hwsim.to_analog(network(), hwsim.chip("aon-cim"))
