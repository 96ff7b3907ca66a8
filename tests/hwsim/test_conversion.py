import threading
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import hwsim

LAYERS = {
    "linear": (nn.Linear(40, 7), (3, 40)),
    "linear-sequence": (nn.Linear(40, 7), (3, 5, 40)),
    "conv1d": (nn.Conv1d(6, 4, 5, stride=2, padding=3, dilation=2), (3, 6, 21)),
    "conv2d": (nn.Conv2d(6, 4, 3, stride=2, padding=1), (3, 6, 9, 9)),
    "conv2d-same": (nn.Conv2d(6, 4, 3, padding="same"), (3, 6, 9, 9)),
    "conv2d-reflect": (nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect"), (3, 6, 9, 9)),
    "grouped": (nn.Conv2d(12, 8, 3, groups=4, bias=False), (3, 12, 9, 9)),
    "depthwise": (nn.Conv2d(12, 24, 3, groups=12, dilation=2), (3, 12, 9, 9)),
}


@pytest.mark.parametrize("tile", [8, 13, 512])
@pytest.mark.parametrize("kind", LAYERS)
def test_without_non_idealities_an_analog_layer_equals_the_digital_one(kind: str, tile: int) -> None:
    layer, shape = LAYERS[kind]
    hardware = hwsim.preset("floating-point").replace({"tile.rows": tile, "tile.columns": tile})
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(layer, hardware)
    torch.testing.assert_close(net(x), layer(x), rtol=1e-5, atol=1e-5)
    chips = hwsim.program(net, n=1)
    assert torch.equal(hwsim.to_digital(chips.net)(x), layer(x))
    reading = chips.at(3600.0, 0)
    restored = reading.weights[""].flatten(1).clone()
    for (row0, row1), scales in zip(net.mapping.blocks, net.column_scales(), strict=True):
        restored[:, row0:row1] *= scales[:, None]
    torch.testing.assert_close(restored.view_as(layer.weight), layer.weight, rtol=1e-6, atol=1e-7)


def test_a_network_keeps_its_structure_and_the_original_is_untouched() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    model.eval()
    net = hwsim.to_analog(model, hwsim.preset("ideal-8bit"), digital_layers=("4",))
    assert [type(module).__name__ for module in net] == [
        "AnalogConv2d",
        "BatchNorm2d",
        "ReLU",
        "Flatten",
        "Linear",
    ]
    assert isinstance(model[0], nn.Conv2d)
    assert not net[0].training
    back = hwsim.to_digital(net)
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(back(x), model(x))


def test_layers_stay_digital_by_type_and_by_name_of_a_parent() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 4)), nn.Linear(4, 4), nn.Conv1d(1, 1, 1))
    net = hwsim.to_analog(model, hwsim.preset("ideal-8bit"), digital_layers=("0", nn.Conv1d))
    assert [type(net[0][0]), type(net[1]).__name__, type(net[2])] == [nn.Linear, "AnalogLinear", nn.Conv1d]


def test_a_module_used_twice_stays_one_module() -> None:
    shared = nn.Linear(4, 4)
    net = hwsim.to_analog(nn.Sequential(shared, nn.ReLU(), shared), hwsim.preset("ideal-8bit"))
    assert net[0] is net[2]
    assert hwsim.tile_map(net).n_tiles == 1


def test_every_problem_of_a_model_is_reported_at_once() -> None:
    broken = nn.Linear(3, 3)
    with torch.no_grad():
        broken.weight[0, 0] = float("nan")
    model = nn.ModuleDict({"two": nn.Bilinear(3, 3, 2), "up": nn.ConvTranspose3d(3, 3, 2), "broken": broken})
    with pytest.raises(ValueError, match=r"(?s)`absent`.*`two` \(Bilinear\).*`up`.*`broken`.*finite"):
        hwsim.to_analog(model, hwsim.preset("ideal-8bit"), digital_layers=("absent",))
    model["good"] = nn.Linear(3, 3)
    net = hwsim.to_analog(model, hwsim.preset("ideal-8bit"), digital_layers=("two", "up", "broken"))
    assert [type(module) for module in net.children()] == [
        nn.Bilinear,
        nn.ConvTranspose3d,
        nn.Linear,
        hwsim.AnalogLinear,
    ]


def test_state_travels_between_analog_networks() -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))
    hardware = hwsim.preset("ideal-8bit")
    first, second = hwsim.to_analog(model, hardware), hwsim.to_analog(model, hardware)
    x = torch.randn(16, 5, generator=torch.Generator().manual_seed(0))
    hwsim.calibrate(first, [x])
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x), second(x))


def test_wrong_inputs_and_missing_calibration_are_explained() -> None:
    net = hwsim.to_analog(nn.Conv2d(3, 4, 3), hwsim.preset("ideal-8bit"))
    with pytest.raises(ValueError, match=r"calibrate"):
        net(torch.ones(1, 3, 8, 8))
    with pytest.raises(ValueError, match=r"\(batch, 3, height, width\)`, got \(3, 8, 8\)"):
        net(torch.ones(3, 8, 8))
    linear = hwsim.to_analog(nn.Linear(3, 4), hwsim.preset("ideal-8bit"))
    with pytest.raises(ValueError, match=r"\(batch, \.\.\., 3\)`, got \(2, 4\)"):
        linear(torch.ones(2, 4))


@pytest.mark.parametrize("tile", [8, 13, 512])
@pytest.mark.parametrize("kind", LAYERS)
def test_dynamic_scaling_without_converters_equals_the_digital_layer(kind: str, tile: int) -> None:
    layer, shape = LAYERS[kind]
    changes = {"tile.rows": tile, "tile.columns": tile, "converters.input_scaling": "dynamic"}
    net = hwsim.to_analog(layer, hwsim.preset("floating-point").replace(changes))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x), layer(x), rtol=1e-5, atol=1e-5)


def test_dynamic_scaling_makes_outputs_follow_the_size_of_each_vector() -> None:
    hardware = hwsim.preset("ideal-8bit").replace({"converters.input_scaling": "dynamic"})
    net = hwsim.to_analog(nn.Linear(20, 5, bias=False), hardware)
    x = torch.randn(3, 20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x * 1024), net(x) * 1024)
    assert torch.equal(net(torch.zeros(2, 20)), torch.zeros(2, 5))


def test_learned_scales_go_into_the_digital_weights() -> None:
    net = hwsim.to_analog(nn.Linear(20, 5), hwsim.preset("floating-point").replace({"tile.rows": 8}))
    with torch.no_grad():
        net.output_scale.copy_(torch.rand(3, 5, generator=torch.Generator().manual_seed(0)) + 0.5)
    x = torch.randn(3, 20, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(hwsim.to_digital(net)(x), net(x), rtol=1e-5, atol=1e-5)


def test_dynamic_scaling_takes_channels_last_weights() -> None:
    layer = nn.Conv2d(3, 5, 3, padding=1).to(memory_format=torch.channels_last)
    hardware = hwsim.preset("ideal-8bit").replace({"converters.input_scaling": "dynamic"})
    x = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    first = hwsim.to_analog(layer, hardware)(x.contiguous(memory_format=torch.channels_last))
    second = hwsim.to_analog(layer.to(memory_format=torch.contiguous_format), hardware)(x)
    torch.testing.assert_close(first, second)


def test_hardware_may_be_given_by_the_name_of_a_preset() -> None:
    net = hwsim.to_analog(nn.Linear(4, 2), "pcm-hermes-1")
    assert isinstance(net, hwsim.AnalogLinear)
    assert net.hardware.name == "pcm-hermes-1"


def test_printed_chips_say_what_they_are() -> None:
    chips = hwsim.program(hwsim.to_analog(nn.Linear(4, 2), "floating-point"), n=3, seed=7)
    assert repr(chips) == "Chips(3, seed=7, device=Ideal, weights=8)"


def test_hardware_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="preset or a YAML file, got 3"):
        hwsim.to_analog(nn.Linear(4, 2), 3)  # type: ignore[arg-type]  # what is tested


class Doubled(nn.Linear):
    """A layer that computes something else than a linear layer."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def test_what_a_tile_would_compute_differently_is_refused() -> None:
    model = nn.Sequential(Doubled(4, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    model[1].register_forward_hook(lambda layer, inputs, outputs: outputs + 1)
    prune.l1_unstructured(model[2], "weight", 0.5)
    with pytest.raises(
        ValueError, match=r"(?s)`0` \(Doubled\): .*`forward`.*`1` .*hooks.*`2` .*hooks"
    ) as caught:
        hwsim.to_analog(model, "ideal-8bit")
    assert "`3`" not in str(caught.value)
    kept = hwsim.to_analog(model, "floating-point", ["0", "1", "2"])
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(kept(x), model(x))
    prune.remove(model[2], "weight")
    assert hwsim.to_analog(model, "ideal-8bit", ["0", "1"])[2].weight.eq(0).sum() == 8


def test_a_model_that_cannot_be_copied_is_refused() -> None:
    model = nn.Sequential(nn.Linear(4, 2))
    model.lock = threading.Lock()
    with pytest.raises(ValueError, match="`model` must be a model that can be copied"):
        hwsim.to_analog(model, "ideal-8bit")


def test_a_network_that_remembers_its_last_run_is_copied(tmp_path: Path) -> None:
    class Remembers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.seen = nn.Linear(4, 3), []

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.attention = self.layer(x).softmax(1)
            self.seen = [self.attention]
            return self.attention

    model, x = Remembers(), torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    model(x)
    net = hwsim.to_analog(model, "ideal-8bit")
    hwsim.calibrate(net, [x])
    net(x)
    chips = hwsim.program(net, 1)
    torch.testing.assert_close(chips.net.attention, net.attention)
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    assert len(hwsim.load_chips(net, tmp_path / "chips.safetensors")) == 1
    assert hwsim.to_digital(net)(x).shape == (8, 3)
    assert net.attention.requires_grad


def test_a_parametrised_layer_becomes_what_it_computes() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))
    x = torch.ones(1, 4)
    torch.testing.assert_close(hwsim.to_analog(layer, "floating-point")(x), layer(x))


@torch.no_grad()
def test_a_transformer_layer_does_not_go_past_its_analog_layers() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(layer, "floating-point", nn.MultiheadAttention)
    torch.testing.assert_close(net(x), layer(x), rtol=1e-4, atol=1e-4)
    net.linear1.output_scale.fill_(2.0)
    assert (net(x) - layer(x)).abs().max() > 0.01


def test_one_problem_is_told_in_one_line() -> None:
    with pytest.raises(
        ValueError, match=r"^the model cannot become analog: it \(Bilinear\): .*`digital_layers`$"
    ):
        hwsim.to_analog(nn.Bilinear(1, 1, 1), "ideal-8bit")
    with pytest.raises(ValueError, match=r"`0.out_proj` in `digital_layers`: it is part of `0`"):
        hwsim.to_analog(nn.Sequential(nn.MultiheadAttention(4, 2)), "ideal-8bit", "0.out_proj")
    with pytest.raises(ValueError, match=r"^the model cannot become analog: `foo` .* no such layer$"):
        hwsim.to_analog(nn.Sequential(nn.Linear(2, 2)), "ideal-8bit", ["foo"])
