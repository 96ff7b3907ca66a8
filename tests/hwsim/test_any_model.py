"""What networks of other people do: reshape, share and freeze layers, change their inputs, read a layer's size."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim.kernels import library as kernels
from hwsim.modules import Execution
from hwsim.noise import NoisePool, NoiseStream


class LeNet(nn.Module):
    """The network of torch's tutorials, with its `view` and the size of its next layer."""

    def __init__(self, conv: type[nn.Conv1d | nn.Conv2d] = nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4) if conv is nn.Conv2d else nn.BatchNorm1d(4)
        self.conv2 = conv(4, 6, 3, padding=1)
        self.last = nn.Linear(6 * (64 if conv is nn.Conv2d else 8), 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv2(F.relu(self.norm(self.conv(x)))))
        return self.last(x.view(-1, self.last.in_features))


CHANGES = {"static": {}, "dynamic": {"converters.input_scaling": "dynamic"}}


@pytest.mark.parametrize("compiler", [True, False])
@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("conv", [nn.Conv1d, nn.Conv2d])
def test_a_view_of_a_convolution_works_as_in_torch(
    conv: type[nn.Conv1d | nn.Conv2d], changes: str, compiler: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiler:
        monkeypatch.setattr(kernels, "library", lambda: None)
    x = torch.randn(12, 3, *[8] * (2 if conv is nn.Conv2d else 1), generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(LeNet(conv), hwsim.preset("pcm-rasch2023").replace(CHANGES[changes]))
    hwsim.calibrate(net, x)
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0))
    with hwa.step():
        net(x).sum().backward()
    assert net.conv.weight.grad.abs().sum() > 0
    y = net.eval()(x).argmax(1)
    for adabs_inputs in (None, x):
        assert hwsim.accuracy_over_time(hwsim.program(net, 2), x, y, 1, adabs_inputs=adabs_inputs).mean > 0.2


def test_training_leaves_channels_last_where_no_view_forbids_it() -> None:
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    seen = []
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 6), nn.Flatten())
    for network in (hwsim.to_analog(model, "ideal-8bit"), hwsim.to_analog(LeNet(), "ideal-8bit")):
        hwsim.calibrate(network, x)
        first = next(layer for layer in network.modules() if isinstance(layer, hwsim.AnalogConv2d))
        first.register_forward_hook(lambda _layer, _inputs, outputs: seen.append(outputs.stride()[1]))
        hwa = hwsim.HwaTraining(network, generator=torch.Generator())
        network.eval()
        with hwa.step():
            network(x)
    assert seen == [1, 1, 1, 64]  # each is tried once, then run


class Auxiliary(nn.Module):
    """Has a head that only training runs, behind a `view`, and draws random numbers of torch's own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.last, self.auxiliary = nn.Linear(4, 5), nn.Linear(256, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.dropout(F.relu(self.norm(self.conv(x))), 0.2, self.training)
        y = self.last(x.mean((2, 3)))
        return y + self.auxiliary(x.view(len(x), -1)) if self.training else y


def test_a_view_that_only_training_runs_works_as_in_torch() -> None:
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(Auxiliary(), "ideal-8bit", "auxiliary")
    hwsim.calibrate(net, x)
    net.train()
    torch.manual_seed(0)  # of dropout
    hwa = hwsim.HwaTraining(net, generator=torch.Generator())
    with hwa.step():
        net(x)
    assert net.norm.num_batches_tracked == 1, "finding out about `view` changed the statistics"
    drawn = torch.rand(1)
    torch.manual_seed(0)
    F.dropout(torch.ones(4, 4, 8, 8), 0.2)
    assert torch.equal(drawn, torch.rand(1))


class Summing(nn.Module):
    """Adds in place to what a layer without bias returns, as pre-activation networks do."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        y += x
        return F.relu(y, inplace=True)


@pytest.mark.parametrize("preset", ["ideal-8bit", "pcm-rasch2023"])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(8, 8, bias=False), (4, 8)),
        (nn.Conv1d(3, 3, 3, padding=1, bias=False), (4, 3, 8)),
        (nn.Conv2d(3, 3, 3, padding=1, bias=False), (4, 3, 8, 8)),
    ],
)
def test_outputs_can_be_changed_in_place(layer: nn.Module, shape: tuple[int, ...], preset: str) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(Summing(layer), preset)
    hwsim.calibrate(net, x)
    hwa = hwsim.HwaTraining(net, generator=torch.Generator())
    for _ in range(2):
        with hwa.step():
            net(x).sum().backward()
    net(x).sum().backward()
    assert net.layer.weight.grad.abs().sum() > 0


def test_sizes_of_layers_go_by_their_names_in_torch() -> None:
    linear, conv = nn.Linear(4, 6), nn.Conv2d(4, 6, (3, 5), 2, (1, 2), groups=2, padding_mode="reflect")
    one = nn.Conv1d(4, 6, 3, dilation=2, padding="same")
    net = hwsim.to_analog(nn.ModuleList([linear, conv, one]), "ideal-8bit")
    names = (
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
        "padding_mode",
    )
    for layer, analog, attributes in (
        (linear, net[0], ("in_features", "out_features")),
        (conv, net[1], names),
        (one, net[2], names),
    ):
        for name in attributes:
            assert getattr(analog, name) == getattr(layer, name), name


def test_frozen_parameters_stay_frozen() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    model[0].requires_grad_(False)
    net = hwsim.to_analog(model, "ideal-8bit")
    frozen = [
        parameter.requires_grad for parameter in (net[0].weight, net[0].bias, net[1].weight, net[1].bias)
    ]
    assert frozen == [False, False, True, True]
    assert not hwsim.to_digital(net)[0].weight.requires_grad
    nn.utils.parametrizations.weight_norm(model[1])
    with torch.no_grad():
        assert hwsim.to_analog(model, "ideal-8bit")[1].weight.requires_grad


class Repeated(nn.Module):
    """One layer, run on inputs of different size."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.last = nn.Linear(8, 8), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.layer(x * 10) + self.layer(x))


@pytest.mark.parametrize("method", ["std", "quantile", "max"])
def test_the_range_of_a_layer_that_runs_twice_is_that_of_its_largest_inputs(method: str) -> None:
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(Repeated(), "ideal-8bit")
    hwsim.calibrate(net, [x, x], method=method, quantile=1.0)
    expected = 3 * float(x.std(correction=0)) if method == "std" else float(x.abs().max())
    assert net.layer.input_range.item() == pytest.approx(10 * expected, rel=1e-5)


def test_a_layer_that_runs_twice_draws_noise_twice() -> None:
    net = hwsim.to_analog(
        nn.Linear(8, 100), hwsim.preset("floating-point").replace({"mvm.output_noise": 0.1})
    )
    hwsim.calibrate(net, torch.ones(1, 8))
    stream = NoiseStream(NoisePool(torch.Generator().manual_seed(0)), 5)
    runs = []
    for _ in range(2):
        net.execution = Execution(noise=stream)
        runs += [net(torch.zeros(30, 8)) - net.bias for _ in range(2)]
    assert torch.equal(runs[0], runs[2]), "noise depends on more than its key and the number of the run"
    both = torch.stack([run.detach().flatten() for run in runs[:2]])
    assert abs(torch.corrcoef(both)[0, 1]) < 0.1


def test_ranges_are_measured_behind_learned_scales() -> None:
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 5)), "ideal-8bit")
    net[0].output_scale.data.fill_(3.0)
    hwsim.calibrate(net, x, method="max")
    inputs = hwsim.to_digital(net)[0](x).detach()
    assert net[1].input_range.item() == pytest.approx(float(inputs.abs().max()), rel=1e-5)


class Normalising(nn.Module):
    """Changes its inputs in place."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.sub_(1.0))


@pytest.mark.parametrize("compiler", [True, False])
def test_inputs_stay_as_they_are(compiler: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiler:
        monkeypatch.setattr(kernels, "library", lambda: None)
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    before = x.clone()
    net = hwsim.to_analog(Normalising(), "ideal-8bit")
    hwsim.calibrate(net, x)
    y = net(x.clone()).argmax(1)
    curve = hwsim.accuracy_over_time(hwsim.program(net, 2), x, y, [1, 60], batch_size=20)
    assert torch.equal(x, before)
    assert curve.accuracy.min() == 1.0


class Unpacking(nn.Module):
    """Changes the dictionary that it is given, and what is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 5)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.layer(batch.pop("x")) * batch["weight"].add_(1.0)


def test_training_gives_a_network_what_it_changes_once() -> None:
    net = hwsim.to_analog(Unpacking(), "floating-point")
    batch = {"x": torch.ones(3, 8), "weight": torch.zeros(3, 1)}
    with hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0)).step():
        net(batch)
    assert list(batch) == ["weight"]
    assert torch.equal(batch["weight"], torch.ones(3, 1))


@pytest.mark.parametrize("kind", [torch.float16, torch.float64])
def test_networks_of_another_type_are_told(kind: torch.dtype) -> None:
    net = hwsim.to_analog(nn.Linear(4, 2), "ideal-8bit").to(kind)
    with pytest.raises(ValueError, match=r"must be float32, got torch.float.. in ``: call net.float\(\)"):
        hwsim.program(net, 1)
    with pytest.raises(ValueError, match="must be float32"):
        hwsim.HwaTraining(net, generator=torch.Generator())


def test_an_empty_batch_in_training_is_told() -> None:
    net = hwsim.to_analog(nn.Linear(4, 2), "pcm-analognas")
    hwsim.calibrate(net, torch.ones(1, 4))
    assert net(torch.ones(0, 4)).shape == (0, 2)
    hwa = hwsim.HwaTraining(net, generator=torch.Generator())
    with hwa.step(), pytest.raises(ValueError, match=r"at least one image, got \(0, 4\)"):
        net(torch.ones(0, 4))


class Remembering(nn.Module):
    """Adds to its state what is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)

    def get_extra_state(self) -> dict[str, int]:
        return {"version": 3}

    def set_extra_state(self, state: dict[str, int]) -> None:
        assert state == {"version": 3}


def test_state_that_is_no_tensor_is_left_alone(tmp_path: Path) -> None:
    net = hwsim.to_analog(Remembering(), "ideal-8bit")
    hwsim.calibrate(net, torch.ones(2, 4))
    chips = hwsim.program(net, 2)
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    loaded = hwsim.load_chips(net, tmp_path / "chips.safetensors")
    assert torch.equal(loaded.state["g_us"], chips.state["g_us"])


class Windowed(nn.Module):
    """Has a buffer that is a part of another."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.register_buffer("whole", torch.arange(8.0))
        self.register_buffer("part", self.whole[2:6])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x + self.part)


def test_buffers_that_share_memory_are_saved(tmp_path: Path) -> None:
    net = hwsim.to_analog(Windowed(), "ideal-8bit")
    hwsim.calibrate(net, torch.ones(2, 4))
    hwsim.save_chips(hwsim.program(net, 2), tmp_path / "chips.safetensors")
    loaded = hwsim.load_chips(net, tmp_path / "chips.safetensors")
    assert torch.equal(loaded.net.part, net.part)
    assert torch.equal(loaded.net.whole, net.whole)


def test_each_name_of_a_layer_keeps_it_digital() -> None:
    model = nn.ModuleDict({"body": nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))})
    model["alias"] = model["body"][1]
    for name in ("alias", "body.1"):
        net = hwsim.to_analog(model, "ideal-8bit", name)
        assert type(net["alias"]) is type(net["body"][1]) is nn.Linear, name
        assert isinstance(net["body"][0], hwsim.AnalogLinear)


def test_the_default_type_of_torch_changes_nothing() -> None:
    x = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(LeNet(), "pcm-rasch2023")
    hwsim.calibrate(net, x)
    y = net.eval()(x).argmax(1)
    curves = []
    try:
        for kind in (torch.float32, torch.float64):
            torch.set_default_dtype(kind)
            chips = hwsim.program(net, 2)
            curves.append([hwsim.accuracy_over_time(chips, x, y, 1, adabs_inputs=a) for a in (None, x)])
    finally:
        torch.set_default_dtype(torch.float32)
    assert curves[0] == curves[1]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # by torch.compile, of what it looks at
def test_a_network_under_torch_compile_trains_the_same() -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    net = hwsim.to_analog(model, "pcm-rasch2023")
    x = torch.randn(5, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    hwsim.calibrate(net, [x])

    def gradients(run: nn.Module) -> list[torch.Tensor]:
        net.zero_grad()
        hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(2), learn_scales=True)
        with hwa.step():
            run(x).square().sum().backward()
        return [parameter.grad for parameter in net.parameters() if parameter.grad is not None]

    compiled = gradients(torch.compile(net, backend="eager"))
    torch.testing.assert_close(compiled, gradients(net))
