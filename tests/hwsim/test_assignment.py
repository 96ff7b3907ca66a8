"""Hardware by layer: which layer runs on what, and that mixed hardware works in everything that takes a network."""

from pathlib import Path

import pytest
import torch
from torch import nn

import hwsim
from hwsim.fused.executor import FusedNetwork
from hwsim.inputs import Inputs
from hwsim.layered import LayerByLayer
from hwsim.noise import NoisePool, NoiseStream
from hwsim.streams import stream

BASE = hwsim.preset("pcm-rasch2023").replace({"tile": {"rows": 16, "columns": 16}})
SMALL = BASE.replace({"tile": {"rows": 4, "columns": 4}, "converters": {"dac_bits": 6, "adc_bits": 7}})
BARE = BASE.replace({"name": "bare", "compensation.kind": "none", "mvm.ir_drop": 0})


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)) + x)


def _model() -> nn.Module:
    torch.manual_seed(0)  # torch.nn takes no generator
    stem = nn.Conv2d(2, 8, 3, padding=1)
    return nn.Sequential(
        stem, Block(), Block(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5)
    ).eval()


def _x(n: int = 12) -> torch.Tensor:
    return torch.randn(n, 2, 6, 6, generator=torch.Generator().manual_seed(1))


def _mixed() -> nn.Module:
    net = hwsim.to_analog(_model(), BASE, layers={"0": SMALL, nn.Linear: BARE})
    hwsim.calibrate(net, _x())
    return net


def _of(net: nn.Module) -> dict[str, hwsim.Hardware]:
    return {name: layer.hardware for name, layer in net.named_modules() if hasattr(layer, "hardware")}


def test_a_name_counts_before_a_type_and_the_nearest_before_those_around_it() -> None:
    net = hwsim.to_analog(_model(), BASE, layers={"1": SMALL, nn.Conv2d: BARE, Block: "pcm-rasch2023"})
    published = hwsim.preset("pcm-rasch2023")
    assert _of(net) == {"0": BARE, "1.conv": SMALL, "2.conv": BARE, "5": BASE}
    net = hwsim.to_analog(_model(), BASE, layers={"1.conv": BARE, "1": SMALL, Block: published})
    assert _of(net) == {"0": BASE, "1.conv": BARE, "2.conv": published, "5": BASE}
    assert set(_of(hwsim.to_analog(_model(), BASE, layers={"": SMALL})).values()) == {SMALL}


def test_every_layer_lies_on_tiles_of_its_own_size() -> None:
    tiles = hwsim.tile_map(_mixed())
    assert (tiles.tile_rows, tiles.tile_columns) == (None, None)
    assert {name: layer.tile_rows for name, layer in tiles.layers.items()} == {
        "0": 4, "1.conv": 16, "2.conv": 16, "5": 16,
    }  # fmt: skip
    capacity = sum(layer.capacity for layer in tiles.layers.values())
    assert tiles.n_tiles == 5 * 2 + 2 * 5 + 2
    assert tiles.utilisation == pytest.approx(tiles.n_weights / capacity)
    assert tiles.to_json()["layers"]["0"]["tile_rows"] == 4


def test_each_layer_of_mixed_hardware_computes_as_alone_on_its_own() -> None:
    net, x = _mixed(), _x()
    alone = hwsim.to_analog(_model()[0], SMALL)
    hwsim.calibrate(alone, x)
    torch.testing.assert_close(net[0](x), alone(x))


def test_compiled_and_plain_paths_evaluate_mixed_hardware_alike() -> None:
    chips, x = hwsim.program(_mixed(), 2, seed=3), _x()
    reading = chips.at(86400.0, 1)
    assert reading.compensation is not None
    assert bool((reading.compensation["5"] == 1).all())  # not compensated
    assert bool((reading.compensation["1.conv"] > 1).all())
    pool = NoisePool.for_layers(
        stream(3, "pool"), [layer.mapping for layer in chips.layers.values()], x.device
    )
    noise = NoiseStream(pool, chips.mvm_key(86400.0, 1))
    inputs = Inputs((x,))
    compiled = FusedNetwork(chips, inputs.part(0, 1)).worker()
    with torch.no_grad():
        compiled.load(reading, noise)
        found, layers = compiled(inputs, 0), LayerByLayer(chips, inputs.part(0, 1), 12)
        ((_, _, wanted),) = layers.worker().passes(reading, noise, inputs, 12)
    assert float((found - wanted).norm() / wanted.norm()) < 0.02
    assert hwsim.accuracy_over_time(chips, x, torch.arange(12) % 5, [1, 86400]).accuracy.shape == (2, 2)


def test_mixed_hardware_trains() -> None:
    net, x = _mixed(), _x()
    hwa = hwsim.HwaTraining(net, seed=1, modifier="device", learn_ranges=True)
    with hwa.step():
        torch.nn.functional.cross_entropy(net(x), torch.arange(12) % 5).backward()
    hwa.after_update()
    assert all(
        bool(layer.weight.grad.abs().sum() > 0)
        for _, layer in net.named_modules()
        if hasattr(layer, "mapping")
    )


def test_ranges_are_learned_where_they_count() -> None:
    free = BASE.replace({"converters.input_scaling": "dynamic"})
    net = hwsim.to_analog(_model(), BASE, layers={"5": free})
    hwsim.calibrate(net, _x())
    hwsim.HwaTraining(net, seed=0, learn_ranges=True)
    assert net[0].input_range.requires_grad
    assert not net[5].input_range.requires_grad


def test_mixed_chips_are_stored_with_the_hardware_of_each_layer(tmp_path: Path) -> None:
    net, path = _mixed(), tmp_path / "chips.safetensors"
    chips = hwsim.program(net, 2)
    hwsim.save_chips(chips, path)
    again = hwsim.load_chips(_mixed(), path)
    for layer, weights in chips.at(60.0, 1).weights.items():
        assert torch.equal(again.at(60.0, 1).weights[layer], weights)
    other = hwsim.to_analog(_model(), BASE, layers={"0": BARE, nn.Linear: BARE})
    with pytest.raises(ValueError, match=r"in `0` tile.rows 16 \(not 4\).*call hwsim.to_analog"):
        hwsim.load_chips(other, path)


def test_another_device_in_one_network_is_refused() -> None:
    other = BASE.replace({"name": "other", "device": {"kind": "reram-cmo"}})
    with pytest.raises(ValueError, match=r"same memory device.*pcm in `0` and other with reram-cmo in `5`"):
        hwsim.to_analog(_model(), BASE, layers={"5": other})
    with pytest.raises(ValueError, match="same memory device"):
        hwsim.to_analog(_model(), BASE, layers={"5": BASE.replace({"pairs": "collapsed"})})


@pytest.mark.parametrize(
    ("layers", "kind", "words"),
    [
        ({"1.cov": SMALL}, ValueError, r"`1.cov` in `layers`: .*did you mean 1.conv\?"),
        ({"1.norm": SMALL}, ValueError, "`1.norm` in `layers` must be or hold a layer that becomes analog"),
        ({nn.Conv1d: SMALL}, ValueError, r"`Conv1d` in `layers` must be .*did you mean Conv2d\?"),
        ({"0": 3}, TypeError, r"`layers\['0'\]` must be hwsim.Hardware, .*got 3"),
        ({nn.Linear: None}, TypeError, r"`layers\[Linear\]` must be hwsim.Hardware, .*got None"),
        ({"0": "pcm-rash2023"}, ValueError, "did you mean pcm-rasch2023"),
        ({3: SMALL}, TypeError, "keys of `layers` must be names or types of layers, got 3"),
        ([SMALL], TypeError, "`layers` must be a mapping .*got list"),
    ],
)  # fmt: skip
def test_entries_that_fit_no_layer_are_told(layers, kind, words) -> None:
    with pytest.raises(kind, match=words) as caught:
        hwsim.to_analog(_model(), BASE, layers=layers)
    assert "\n" not in str(caught.value)


def test_a_layer_under_two_names_has_one_hardware() -> None:
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    with pytest.raises(ValueError, match=r"`0` and `2` are one layer, .* got pcm-rasch2023 and bare"):
        hwsim.to_analog(model, BASE, layers={"0": SMALL, "2": BARE})
    net = hwsim.to_analog(model, BASE, layers={"2": SMALL})
    assert net[0] is net[2]
    assert net[0].hardware == SMALL
