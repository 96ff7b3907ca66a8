from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hwsim
from hwsim.circuit_check import has_ngspice, simulate, solve

PLAIN = hwsim.preset("pcm-analognas").replace(
    {
        "tile.rows": 96,
        "tile.columns": 8,
        "mvm.output_noise": 0.0,
        "converters": {"dac_bits": None, "adc_bits": None, "out_bound": None},
        "compensation.kind": "none",
    }
)


def _chips(ir_drop: float, layer: nn.Module) -> hwsim.Chips:
    net = hwsim.to_analog(nn.Sequential(layer), PLAIN.replace({"mvm.ir_drop": ir_drop}))
    net[0].input_range.fill_(1.0)
    return hwsim.program(net, 2, seed=3)


def _linear() -> nn.Linear:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    return nn.Linear(150, 20, bias=False)


@pytest.mark.parametrize("ir_drop", [0.0, 20.0])
@pytest.mark.parametrize("simulator", ["ngspice", "own"])
def test_a_tile_in_a_circuit_simulator_gives_what_hwsim_computes(
    ir_drop: float, simulator: str, tmp_path: Path
) -> None:
    if simulator == "ngspice" and not has_ngspice():
        pytest.skip("ngspice is not installed (apt-get install ngspice)")
    netlist = hwsim.tile_netlist(_chips(ir_drop, _linear()), "0", 1, chip=1, t_s="1 day")
    path = tmp_path / "tile.cir"
    path.write_text(netlist.text())
    found = simulate(path, netlist) if simulator == "ngspice" else solve(path, netlist)
    full = np.abs(netlist.outputs).max()
    assert np.abs(found - netlist.outputs).max() < 0.01 * full
    ideal = netlist.inputs @ (netlist.pair_us[0] - netlist.pair_us[1]) / netlist.span_us
    if ir_drop == 0:
        np.testing.assert_allclose(found, ideal, rtol=1e-6, atol=1e-9 * full)
    else:  # the drop itself, which wires make, and not what would be there without them
        drop = found - ideal
        assert np.abs(drop).max() > 0.002 * full
        assert np.abs(netlist.outputs - found).max() < 0.2 * np.abs(drop).max()


def test_outputs_are_those_of_the_programmed_network() -> None:
    chips = _chips(1.0, _linear())
    layer = chips.layers["0"]
    rows = [tile.row1 - tile.row0 for tile in layer.mapping.tiles]
    netlists = [hwsim.tile_netlist(chips, "0", number, t_s=60.0) for number in range(len(rows))]
    x = torch.zeros(1, 150)
    for tile, netlist in zip(layer.mapping.tiles, netlists, strict=True):
        x[0, tile.row0 : tile.row1] = torch.from_numpy(netlist.inputs)
    (found, *_) = hwsim.outputs(chips, x, [60.0])
    expected = torch.zeros(20, dtype=torch.float64)
    for number, (tile, netlist) in enumerate(zip(layer.mapping.tiles, netlists, strict=True)):
        block = [row0 for row0, _ in layer.mapping.blocks].index(tile.row0)
        scales = layer.column_scales()[block, tile.col0 : tile.col1].double()
        expected[tile.col0 : tile.col1] += torch.from_numpy(netlist.outputs) * scales
        assert netlist.title.startswith(f"tile {number} of 0")
    torch.testing.assert_close(found.outputs[0].double(), expected, rtol=1e-4, atol=1e-5)


def test_devices_that_are_not_programmed_are_not_connected() -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    chips = _chips(0.0, nn.Conv2d(6, 6, 3, groups=6, bias=False))
    netlist = hwsim.tile_netlist(chips, "0")
    resistors = [line for line in netlist.text().splitlines() if line.startswith("r")]
    assert len(resistors) == int((netlist.pair_us > 0).sum()) <= 2 * 6 * 9 < netlist.pair_us.size


def test_what_no_netlist_can_be_made_of_is_refused() -> None:
    chips = _chips(0.0, _linear())
    for arguments, said in (
        ({"layer": "1"}, "`layer` must be one of `0`, got '1'"),
        ({"layer": "0", "tile": 99}, "tile"),
        ({"layer": "0", "chip": 2}, "chip"),
        ({"layer": "0", "inputs": [0.5]}, r"`inputs` must be 75 numbers from -1 to 1"),
        ({"layer": "0", "inputs": [2.0] * 75}, r"`inputs` must be 75 numbers from -1 to 1"),
    ):
        with pytest.raises(ValueError, match=said):
            hwsim.tile_netlist(chips, **arguments)
    bent = hwsim.preset("pcm-analognas").replace({"device": {"kind": "reram-milo2022", "amplitude_v": 0.2}})
    nonlinear = hwsim.program(hwsim.to_analog(nn.Sequential(nn.Linear(4, 2)), bent), 1)
    with pytest.raises(ValueError, match="in proportion to the voltage"):
        hwsim.tile_netlist(nonlinear, "0")
