import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim.fused.executor import FusedNetwork, Worker
from hwsim.fused.graph import StagePlan, plan
from hwsim.fused.tracing import UnfusableError
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels
from hwsim.modules import NOMINAL
from hwsim.noise import NoisePool, NoiseStream

pytestmark = pytest.mark.skipif(kernels.library() is None, reason="no C compiler builds the kernels")


class Residual(nn.Module):
    """A residual block: `main` before `skip`, or `skip` before `main`."""

    def __init__(self, inputs: int, outputs: int, stride: int, skip_first: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride)
        self.skip_first = skip_first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.skip_first:
            shortcut = self.skip(x)
            return F.relu(shortcut + self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))))
        out = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        out += self.skip(x)
        return out.relu()


class PreActivation(nn.Module):
    """Batch norm and activation before the convolutions, two branches, and an activation before a norm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.left = nn.Conv2d(channels, channels, 3, padding=1)
        self.right = nn.Conv2d(channels, channels, 1)
        self.post = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.relu6(self.norm(x))
        return x + self.post(F.relu(self.left(h))) + self.right(h)


def _resnet(skip_first: bool) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        Residual(8, 8, 1, skip_first), Residual(8, 12, 2, skip_first),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5),
    )  # fmt: skip


NETWORKS = {
    "resnet": (lambda: _resnet(False), (3, 12, 12)),
    "resnet-skip-first": (lambda: _resnet(True), (3, 12, 12)),
    "pre-activation": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 5), PreActivation(6), PreActivation(6), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(96, 5),
        ),
        (3, 12, 12),
    ),
    "depthwise": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 10, 3, stride=2), nn.ReLU6(), nn.Conv2d(10, 10, 3, groups=10), nn.BatchNorm2d(10),
            nn.ReLU(inplace=True), nn.Conv2d(10, 4, 1), nn.Dropout(), nn.Flatten(), nn.Linear(36, 5),
        ),
        (3, 12, 12),
    ),
    "sixteen": (  # channels that fill whole vectors
        lambda: nn.Sequential(
            nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.Flatten(),
            nn.Linear(512, 5),
        ),
        (3, 8, 8),
    ),
    "conv1d": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 6, 9, stride=2, padding=4), nn.BatchNorm1d(6), nn.ReLU(), nn.Conv1d(6, 6, 3),
            nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 5),
        ),
        (2, 40),
    ),
    "mlp": (
        lambda: nn.Sequential(nn.Linear(30, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 5)),
        (30,),
    ),
}  # fmt: skip
VARIANTS = {
    "analognas": ("pcm-analognas", {}),
    "split": ("pcm-analognas", {"tile.rows": 20, "tile.columns": 7}),
    "rasch": ("pcm-rasch2023", {"tile.rows": 33}),
    "ir-drop": ("pcm-rasch2023", {"mvm.read_noise": 0.0, "mvm.s_shape": 0.1}),
    "read-noise": ("pcm-rasch2023", {"mvm.ir_drop": 0.0}),
    "s-shape": ("pcm-analognas", {"mvm.s_shape": 0.1, "converters.adc_bits": 6}),
    "continuous": ("pcm-analognas", {"converters.dac_bits": None, "converters.adc_bits": None}),
    "input-noise": ("pcm-analognas", {"mvm.input_noise": 0.01}),
    "shared-gain": (
        "pcm-rasch2023",
        {"tile.rows": 33, "converters": {"adc_gain": "shared", "weight_scaling": "layer", "adc_bits": 6}},
    ),
}


def _chips(network: str, variant: str) -> tuple[hwsim.Chips, torch.Tensor]:
    build, shape = NETWORKS[network]
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = build()
    x = torch.randn(7, *shape, generator=torch.Generator().manual_seed(1))
    for _ in range(3):  # running statistics that are not the initial ones
        model(x * 1.3 + 0.2)
    preset, changes = VARIANTS[variant]
    net = hwsim.to_analog(model, hwsim.preset(preset).replace(changes)).eval()
    hwsim.calibrate(net, [x])
    return hwsim.program(net, n=1, seed=3), x


@torch.no_grad()
def _both(chips: hwsim.Chips, x: torch.Tensor, noisy: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    pool = NoisePool(torch.Generator().manual_seed(0))
    if not noisy:
        pool.values.zero_()
    noise = NoiseStream(pool, key=11)
    reading = chips.at(3600.0, 0)
    worker = Worker(FusedNetwork(chips, Inputs((x[:1],))))
    worker.load(reading, noise)
    fused = torch.cat([worker(Inputs((x[:3],)), 0), worker(Inputs((x[3:],)), 3)])
    for index, (name, layer) in enumerate(chips.layers.items()):
        layer.execution = reading.execution(name, noise.child(index), 0)
    plain = chips.net(x)
    for layer in chips.layers.values():
        layer.execution = NOMINAL
    return fused, plain


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("network", NETWORKS)
def test_fused_and_plain_paths_agree(network: str, variant: str) -> None:
    fused, plain = _both(*_chips(network, variant))
    # a sum rounded differently may fall on the other side of a converter's step, rarely
    scale = plain.abs().max()
    assert (fused - plain).abs().median() <= 1e-5 * scale
    assert (fused - plain).abs().max() <= 0.02 * scale


def test_a_hook_on_a_digital_layer_is_called_by_the_fused_path_too() -> None:
    chips, x = _chips("resnet", "analognas")
    plain_before = _both(chips, x, noisy=False)[1]
    chips.net[1].register_forward_hook(lambda module, inputs, output: output + 1)
    fused, plain = _both(chips, x, noisy=False)
    assert (plain - plain_before).abs().max() > 0.05 * plain.abs().max(), "the hook changes nothing"
    assert (fused - plain).abs().max() <= 0.02 * plain.abs().max()


@pytest.mark.parametrize("layer", [0, 2])
def test_hooks_on_an_analog_layer_are_called_by_the_fused_path_too(layer: int) -> None:
    net = hwsim.to_analog(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 5)), "ideal-8bit").eval()
    x = torch.randn(60, 8, generator=torch.Generator().manual_seed(0))
    hwsim.calibrate(net, [x])
    net[layer].register_forward_hook(lambda module, inputs, output: -output)
    assert hwsim.accuracy_over_time(hwsim.program(net, 1), x, net(x).argmax(1), 1).mean == 1.0


def test_the_paths_agree_on_what_noise_is_added() -> None:
    chips, x = _chips("resnet", "analognas")
    noisy, _ = _both(chips, x)
    quiet, _ = _both(chips, x, noisy=False)
    assert (noisy - quiet).abs().median() > 1e-3 * quiet.abs().max()


def test_a_residual_network_becomes_stages_and_little_else() -> None:
    chips, x = _chips("resnet", "analognas")
    steps = FusedNetwork(chips, Inputs((x[:1],))).plan.steps
    plain = [step.name for step in steps if not isinstance(step, StagePlan)]
    assert plain == ["input_1", "_3_skip", "_5", "_6"]  # input, an identity, pool, flattening
    sums = [step for step in steps if isinstance(step, StagePlan) and step.before is not None]
    assert len(sums) == 2


def test_what_cannot_be_traced_is_classified_all_the_same() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(30, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x) if x.sum() > 0 else self.layer(-x)

    net = hwsim.to_analog(Branching(), hwsim.preset("ideal-8bit"))
    x = torch.randn(9, 30, generator=torch.Generator().manual_seed(0))
    hwsim.calibrate(net, [x])
    with pytest.raises(UnfusableError):
        plan(net, Inputs((x[:1],)), frozenset({"layer"}))
    y = net(x).argmax(1)
    curve = hwsim.accuracy_over_time(hwsim.program(net, n=1), x, y, [1.0], batch_size=9)
    assert curve.accuracy.item() == 1.0


def test_a_value_changed_in_place_and_read_again_is_not_fused() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.layer(x)
            return F.relu(h, inplace=True) + h

    net = hwsim.to_analog(Shared(), hwsim.preset("ideal-8bit")).eval()
    with pytest.raises(UnfusableError, match="in place"):
        plan(net, Inputs((torch.ones(1, 8),)), frozenset({"layer"}))


class Positions(nn.Module):
    """A parameter of one image's shape, added before or after the layer; `first` is read before it."""

    def __init__(self, convolution: bool) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 6, 3, padding=1) if convolution else nn.Linear(9, 9)
        self.position = nn.Parameter(torch.randn(1, 6, 9, 9) if convolution else torch.randn(1, 3, 9, 9))
        self.last = nn.Linear(6 * 81 if convolution else 3 * 81, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last((self.position + self.layer(x)).view(x.size(0), -1))


class SequenceFirst(nn.Module):
    """Images are the second dimension of what the layers see, as in torch's own recurrent layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(9, 9), nn.Linear(9, 9), nn.Linear(9, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.flatten(1, 2).transpose(0, 1)
        return self.last(F.relu(self.second(F.relu(self.first(h)))).mean(0))


class Masked(nn.Module):
    """A sum with numbers of another type."""

    def __init__(self, kind: torch.dtype) -> None:
        super().__init__()
        self.layer, self.last = nn.Linear(9, 9), nn.Linear(9, 5)
        self.kind = kind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.mean((1, 2))
        return self.last((h > 0).to(self.kind) + self.layer(h))


class Shifted(nn.Module):
    """A sum with an activation of a parameter, which no image makes."""

    def __init__(self, convolution: bool, *size: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1) if convolution else nn.Linear(9, 9)
        self.shift, self.last = nn.Parameter(torch.ones(size)), nn.Linear(243, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.layer(x + F.relu(self.shift * 2)).flatten(1))


@pytest.mark.parametrize(
    "model",
    [Positions(True), Positions(False), SequenceFirst()]
    + [Shifted(True, 3, 1, 1), Shifted(True), Shifted(False, 9), Shifted(False)]
    + [Masked(kind) for kind in (torch.bool, torch.int64, torch.float16)],
)
@torch.no_grad()
def test_only_float32_with_images_first_is_fused(model: nn.Module) -> None:
    x = torch.randn(7, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(model, hwsim.preset("floating-point"))
    hwsim.calibrate(net, [x])
    chips = hwsim.program(net, 1)
    worker = Worker(FusedNetwork(chips, Inputs((x[:1],))))
    worker.load(chips.at(1.0, 0), NoiseStream(NoisePool(torch.Generator().manual_seed(0)), key=1))
    assert torch.allclose(worker(Inputs((x,)), 0), net(x), rtol=1e-4, atol=1e-4)


def test_curves_do_not_depend_on_threads_or_on_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    chips, x = _chips("resnet", "analognas")
    x = x.repeat(20, 1, 1, 1) + 0.3 * torch.randn(140, 3, 12, 12, generator=torch.Generator().manual_seed(2))
    y = chips.net(x).argmax(1)
    before = torch.get_num_threads()
    curves = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            curves.append(hwsim.accuracy_over_time(chips, x, y, [1.0, 86_400.0]).accuracy)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert (curves[0] == curves[1]).all()
    monkeypatch.setattr(kernels, "library", lambda: None)
    plain = hwsim.accuracy_over_time(chips, x, y, [1.0, 86_400.0]).accuracy
    assert abs(plain - curves[0]).max() <= 2 / len(x)


@pytest.mark.parametrize("variant", ["analognas", "rasch"])
def test_scores_do_not_depend_on_how_images_are_cut_into_chunks(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chips, x = _chips("resnet", variant)
    x = x.repeat(9, 1, 1, 1) + 0.3 * torch.randn(63, 3, 12, 12, generator=torch.Generator().manual_seed(2))
    noise = NoiseStream(NoisePool(torch.Generator().manual_seed(0)), key=11)
    reading = chips.at(3600.0, 0)
    found = []
    for images in (63, 32, 10):  # the last chunks are 63, 31 and 3 images
        monkeypatch.setattr("hwsim.fused.executor.CHUNK_ELEMENTS", images * 8 * 12 * 12)
        network = FusedNetwork(chips, Inputs((x[:1],)))
        assert network.chunk == images
        worker = Worker(network)
        worker.load(reading, noise)
        with torch.no_grad():
            parts = [
                worker(Inputs((x[start : start + images],)), start) for start in range(0, len(x), images)
            ]
        found.append(torch.cat(parts))
    whole, *others = found
    assert whole.std(0).min() > 0
    for scores in others:
        # a sum rounded differently may fall on the other side of a converter's step, rarely
        assert (scores - whole).abs().median() <= 1e-5 * whole.abs().max()
        assert (scores - whole).abs().max() <= 0.02 * whole.abs().max()


def test_analog_layers_inside_a_layer_of_torch_are_simulated() -> None:
    model = nn.Sequential(
        nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), nn.Flatten(), nn.Linear(128, 5)
    )
    x = torch.randn(60, 8, 16, generator=torch.Generator().manual_seed(0))
    y = model.eval()(x).argmax(1)
    noisy = hwsim.preset("pcm-analognas").replace({"mvm.output_noise": 100.0})
    net = hwsim.to_analog(model, noisy, [nn.MultiheadAttention, "2"])
    hwsim.calibrate(net, [x])
    assert hwsim.accuracy_over_time(hwsim.program(net, 2), x, y, [1]).mean[0] < 0.8


def test_a_compiled_network_that_differs_from_its_layers_is_not_used(monkeypatch) -> None:
    net = hwsim.to_analog(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 5)), "ideal-8bit").eval()
    x = torch.randn(60, 8, generator=torch.Generator().manual_seed(0))
    hwsim.calibrate(net, [x])
    chips, classes = hwsim.program(net, 1), net(x).argmax(1)
    compiled = Worker.__call__
    monkeypatch.setattr(Worker, "__call__", lambda self, *arguments: -compiled(self, *arguments))
    with pytest.warns(UserWarning, match="the layers run one by one"):
        assert hwsim.accuracy_over_time(chips, x, classes, 1).mean == 1.0
