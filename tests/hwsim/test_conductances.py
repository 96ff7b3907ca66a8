import json
import resource
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

import hwsim
from hwsim.mapping import map_layer
from hwsim.tile_matrices import put_tile_, tile_matrix

HARDWARE = hwsim.preset("pcm-analognas").replace({"tile.rows": 32, "tile.columns": 6})


def _network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)  # the initial weights; torch.nn takes no generator
    return nn.Sequential(
        nn.Conv2d(2, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Flatten(),
        nn.Linear(32, 7),
    ).eval()


X = torch.randn(40, 2, 6, 6, generator=torch.Generator().manual_seed(1))


def _analog(model: nn.Module, hardware: hwsim.Hardware = HARDWARE) -> nn.Module:
    net = hwsim.to_analog(model, hardware)
    hwsim.calibrate(net, X)
    return net


@pytest.fixture
def chips() -> hwsim.Chips:
    return hwsim.program(_analog(_network()), 3, seed=5, first=2)


@pytest.mark.parametrize(
    ("rows", "columns", "groups"), [(40, 9, 1), (18, 12, 6), (80, 16, 2), (9, 3, 3), (24, 24, 24)]
)
def test_tiles_hold_every_weight_once(rows: int, columns: int, groups: int) -> None:
    mapping = map_layer(rows, columns, groups, tile_rows=16, tile_columns=5)
    weights = torch.arange(1.0, rows * columns // groups + 1).view(columns, rows // groups)
    whole = torch.block_diag(*(part.mT for part in weights.split(columns // groups)))
    back = torch.zeros_like(weights)
    for number, tile in enumerate(mapping.tiles):
        matrix = tile_matrix(mapping, number, weights)
        assert torch.equal(matrix, whole[tile.row0 : tile.row1, tile.col0 : tile.col1])
        put_tile_(mapping, number, matrix, back)
    assert torch.equal(back, weights)


def test_loaded_conductances_give_the_same_chips(chips: hwsim.Chips, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    hwsim.save_conductances(chips, path)
    loaded = hwsim.load_conductances(hwsim.to_analog(_network(), HARDWARE), path)  # not calibrated
    assert (len(loaded), loaded.seed, loaded.first) == (3, 5, 2)
    for chip in range(3):
        for name, tensor in chips.state_of(chip).items():
            assert torch.equal(loaded.state_of(chip)[name], tensor)
    found, expected = (list(hwsim.outputs(batch, X, ["1 day"])) for batch in (loaded, chips))
    assert len(found) == 3
    assert all(torch.equal(one.outputs, other.outputs) for one, other in zip(found, expected, strict=True))


def test_measured_conductances_are_what_products_use(chips: hwsim.Chips, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    hwsim.save_conductances(chips, path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    name = "4/0/g_us"
    tensors[name] = tensors[name] + 1.0  # as an instrument may have found them
    save_file(tensors, path, metadata)
    loaded = hwsim.load_conductances(chips.net, path)
    tile = chips.layers["4"].mapping.tiles[0]
    difference = loaded.conductances("4") - chips.conductances("4")
    torch.testing.assert_close(
        difference[..., tile.col0 : tile.col1, tile.row0 : tile.row1],
        torch.ones(3, 2, tile.col1 - tile.col0, tile.row1 - tile.row0),
    )
    assert float(difference[..., tile.col1 :, :].abs().max()) == 0


def test_conductances_at_a_time_are_those_of_products(chips: hwsim.Chips) -> None:
    pair_us = chips.conductances("0", "1 day")[1]
    weights = (pair_us[0] - pair_us[1]) / (chips.device.g_max_us - chips.device.g_min_us)
    torch.testing.assert_close(weights, chips.at("1 day", 1).weights["0"])


def test_another_network_is_refused(chips: hwsim.Chips, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    hwsim.save_conductances(chips, path)
    with pytest.raises(ValueError, match="column scales of `0` are others"):
        hwsim.load_conductances(_analog(_network(seed=1)), path)
    turned = _network()
    with torch.no_grad():
        turned[4].weight.copy_(
            turned[4].weight.flip(1)
        )  # the scales of its columns stay, those of single tiles too
    with pytest.raises(ValueError, match="targets of tile 0 of `4` are others"):
        hwsim.load_conductances(_analog(turned), path)
    with pytest.raises(ValueError, match=r"`0` is \[8, 2, 3, 3\] there and missing here"):
        hwsim.load_conductances(hwsim.to_analog(nn.Linear(4, 2), HARDWARE), path)
    with pytest.raises(ValueError, match=r"tile\.rows 64 \(not 32\)"):
        hwsim.load_conductances(_analog(_network(), HARDWARE.replace({"tile.rows": 64})), path)


def test_other_files_and_values_are_refused(chips: hwsim.Chips, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    for content, said in ((None, "must be a safetensors file"), (b"no", "must be a safetensors file")):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ValueError, match=said):
            hwsim.load_conductances(chips.net, path)
    hwsim.save_chips(chips, path)
    with pytest.raises(ValueError, match="`format` must be hwsim-conductances-1, got 'hwsim-chips-1'"):
        hwsim.load_conductances(chips.net, path)
    hwsim.save_conductances(chips, path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    whole = load_file(path)
    for name, value, said in (
        ("0/0/g_us", whole["0/0/g_us"] * float("nan"), "must be finite and at least 0"),
        ("0/0/g_us", whole["0/0/g_us"] - 100, "must be finite and at least 0"),
        ("2/1/g_us", whole["2/1/g_us"][:2], "must be .* float32, got"),
        ("2/0/target_us", whole["2/0/target_us"].double(), "float64"),
    ):
        save_file({**whole, name: value}, path, metadata)
        with pytest.raises(ValueError, match=said):
            hwsim.load_conductances(chips.net, path)
    uncalibrated = hwsim.program(hwsim.to_analog(_network(), HARDWARE), 1)
    with pytest.raises(ValueError, match=r"call hwsim\.calibrate"):
        hwsim.save_conductances(uncalibrated, path)
    with pytest.raises(ValueError, match="`path` must lie in a folder that exists"):
        hwsim.save_conductances(chips, tmp_path / "absent" / "g.safetensors")


DAMAGES = {
    "no description": (lambda d: None, "got no 'description'"),
    "no JSON": (lambda d: "{", "got text that is no JSON"),
    "a list": (lambda d: "[]", "`description` must be a mapping, got list"),
    "no layers": (lambda d: json.dumps(d | {"layers": None}), "`layers` must be a mapping, got None"),
    "a layer of text": (
        lambda d: json.dumps(d | {"layers": {"0": "x"}}),
        "`0` in `layers` must be a mapping, got 'x'",
    ),
    "no chips": (lambda d: json.dumps(d | {"chips": 0}), "`chips >= 1` must hold, got 0"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_description_is_told_in_a_line(damage: str, chips: hwsim.Chips, tmp_path: Path) -> None:
    path, (damaged, message) = tmp_path / "g.safetensors", DAMAGES[damage]
    hwsim.save_conductances(chips, path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    description = damaged(json.loads(metadata.pop("description")))
    if description is not None:
        metadata["description"] = description
    save_file(load_file(path), path, metadata)
    with pytest.raises(ValueError, match=message) as told:
        hwsim.load_conductances(chips.net, path)
    assert "must hold `description` and `hardware` of conductances" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_is_replaced_when_the_new_one_is_complete(chips: hwsim.Chips, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    hwsim.save_conductances(chips, path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))  # as a full disk
    try:
        with pytest.raises(ValueError, match="must be a file that can be written"):
            hwsim.save_conductances(chips, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_conductances_of_a_device_object_are_refused(tmp_path: Path) -> None:
    net = _analog(_network())
    device = hwsim.preset("pcm-rasch2023").build_device()
    with pytest.raises(ValueError, match="must have the device of their hardware to be saved, got "):
        hwsim.save_conductances(hwsim.program(net, 1, device=device), tmp_path / "g.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_devices_that_a_map_says_are_stuck_stay_stuck(tmp_path: Path, rate: float) -> None:
    net = _analog(_network(), HARDWARE.replace({"faults.off": rate}))
    stuck = torch.full((2, *net[4].weight.shape), float("nan"))
    stuck[0, 1:4, ::3], stuck[1, 2] = 1.0, 0.25
    chips = hwsim.program(net, 2, seed=3, faults={"4": stuck})
    hwsim.save_conductances(chips, tmp_path / "g.safetensors")
    back = hwsim.load_conductances(net, tmp_path / "g.safetensors")
    for time in (None, "1 day", "1 year"):
        torch.testing.assert_close(
            back.conductances("4", time), chips.conductances("4", time), rtol=0, atol=1e-5
        )
        torch.testing.assert_close(
            back.conductances("0", time), chips.conductances("0", time), rtol=0, atol=1e-5
        )


def test_a_damaged_map_of_faults_is_named(tmp_path: Path) -> None:
    net = _analog(_network())
    stuck = torch.full((2, *net[4].weight.shape), float("nan"))
    stuck[0, 0, 0] = 1.0
    path = tmp_path / "g.safetensors"
    hwsim.save_conductances(hwsim.program(net, 2, faults={"4": stuck}), path)
    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    tensors["0/0/stuck_us"][0, 0, 0] = -2.0
    save_file(tensors, path, metadata)
    with pytest.raises(ValueError, match="`0/0/stuck_us` must be finite and at least -1 µS"):
        hwsim.load_conductances(net, path)
    del tensors["0/0/stuck_us"]
    save_file(tensors, path, metadata)
    with pytest.raises(ValueError, match=r"`0/0/stuck_us` must be .* float32, got no such tensor"):
        hwsim.load_conductances(net, path)
