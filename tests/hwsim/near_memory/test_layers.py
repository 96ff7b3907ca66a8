import json
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import hwsim
from hwsim.batched import BatchedChips
from hwsim.fused.executor import FusedNetwork, Worker
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels
from hwsim.modules import NOMINAL, AnalogLayer, Execution
from hwsim.noise import NoisePool, NoiseStream
from tests.hwsim.near_memory.integers import Branches, output

FIXED = hwsim.preset("pcm-hermes-1").replace({"digital.kind": "fixed-point"})


class Residual(nn.Module):
    """A residual block with batch norms, one of which follows a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv2, self.norm2 = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.norm3 = nn.BatchNorm2d(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm3(self.norm2(self.conv2(out)) + x))


def _network() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), Residual(),
        nn.Conv2d(6, 8, 3, groups=2), nn.ReLU6(), nn.Flatten(), nn.Linear(72, 30), nn.ReLU(), nn.Linear(30, 5),
    )  # fmt: skip
    x = torch.randn(7, 3, 7, 7, generator=torch.Generator().manual_seed(1))
    for _ in range(3):
        model(x * 1.3 + 0.2)
    with torch.no_grad():
        model[1].weight[0] = -0.7
    return model.eval(), x


def _chips(changes: dict[str, object], n: int = 1) -> tuple[hwsim.Chips, torch.Tensor]:
    model, x = _network()
    net = hwsim.to_analog(model, FIXED.replace(changes))
    hwsim.calibrate(net, x)
    return hwsim.program(net, n=n, seed=3), x


VARIANTS = {
    "default": {},
    "split": {"tile.rows": 20, "tile.columns": 7},
    "words-between-blocks": {
        "tile.rows": 20,
        "digital.partial_sums": "output-width",
        "digital.rounding": "floor",
    },
    "wide": {"tile.rows": 20, "digital.scale_fraction": 16, "digital.product_fraction": 16},
    "half-even": {"digital.rounding": "half-even", "digital.product_rounding": "half-even"},
    "half-away": {"digital.rounding": "half-away", "digital.product_rounding": "floor"},
    "wrapping": {"digital.overflow": "wrap", "digital.output_bits": 6},
    "all-noise": {"mvm.ir_drop": 1.0, "mvm.read_noise": 0.02, "mvm.s_shape": 0.05, "tile.rows": 33},
    "uncompensated": {"compensation.kind": "none", "converters.adc_bits": 12},
}


@pytest.mark.skipif(kernels.library() is None, reason="no C compiler builds the kernels")
@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_compiled_and_plain_paths_are_equal_bit_for_bit(variant: str) -> None:
    chips, x = _chips(VARIANTS[variant])
    noise = NoiseStream(NoisePool(torch.Generator().manual_seed(0)), key=11)
    reading = chips.at(3600.0, 0)
    network = FusedNetwork(chips, Inputs((x[:1],)))
    worker = Worker(network)
    worker.load(reading, noise)
    fused = torch.cat([worker(Inputs((x[:3],)), 0), worker(Inputs((x[3:],)), 3)])
    for index, (name, layer) in enumerate(chips.layers.items()):
        layer.execution = reading.execution(name, noise.child(index), 0)
    plain = chips.net(x)
    for layer in chips.layers.values():
        layer.execution = NOMINAL
    if variant != "all-noise":
        assert torch.equal(fused, plain)
    else:  # sums of three products in another order may fall on the other side of a step of the ADC
        assert (fused - plain).abs().median() <= 1e-5 * plain.abs().max()


@torch.no_grad()
def test_many_chips_at_once_are_each_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwsim.kernels.library.library", lambda: None)  # a GPU has no compiled converters
    chips, x = _chips({"tile.rows": 20}, n=3)
    pool = NoisePool(torch.Generator().manual_seed(0))
    batched = BatchedChips(chips, pool, batch_size=7)
    together = batched.evaluate(range(3), 60.0, Inputs((x,)), lambda outputs, *_: outputs)
    for chip in range(3):
        reading, noise = chips.at(60.0, chip), NoiseStream(pool, chips.mvm_key(60.0, chip))
        for index, (name, layer) in enumerate(chips.layers.items()):
            layer.execution = reading.execution(name, noise.child(index), 0)
        alone = chips.net(x)
        for layer in chips.layers.values():
            layer.execution = NOMINAL
        torch.testing.assert_close(together[chip], alone, rtol=0, atol=0.02 * float(alone.abs().max()))
        assert (together[chip] == alone).float().mean() > 0.5


@pytest.mark.parametrize("relu", [False, True])
@torch.no_grad()
def test_a_layer_puts_out_what_integers_do(relu: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(50, 12), *([nn.ReLU()] if relu else []))
    x = torch.randn(40, 50, generator=torch.Generator().manual_seed(1))
    hardware = FIXED.replace({"tile.rows": 20, "tile.columns": 5, "digital.rounding": "half-even"})
    net = hwsim.to_analog(model, hardware)
    hwsim.calibrate(net, x)
    layer, spec = net[0], hardware.digital
    assert isinstance(layer, AnalogLayer) and layer.unit is not None and layer.output_range is not None
    words = layer.fixed_point_words()
    counts = [
        layer.crossbar.multiply(
            layer.block_input(x, block),
            layer.block_weight(layer.weight, block),
            product=layer.product,
            channel_dim=-1,
            input_range=layer.input_range[block],
            gain=1 / layer.column_scales()[block],
            scale=None,
            rows_in_use=layer.rows_in_use[block],
            row_position=layer.row_position[block],
            noise=None,
        )
        for block in range(len(layer.mapping.blocks))
    ]
    assert len(counts) == 3 and all(torch.equal(count, count.round()) for count in counts)
    found = layer(x) / (layer.output_range / 127)
    for item in range(len(x)):
        for column in range(12):
            blocks = [
                Branches(max(int(n), 0), max(-int(n), 0), int(scale), int(exponent))
                for n, scale, exponent in zip(
                    (count[item, column] for count in counts),
                    words.scale[:, column],
                    words.exponent[:, column],
                    strict=True,
                )
            ]
            wanted = output(blocks, int(words.offset[column]), spec, relu)[0]
            assert float(found[item, column]) == pytest.approx(wanted, abs=1e-4)


@torch.no_grad()
def test_generous_widths_are_the_affine_within_half_a_step() -> None:
    generous = {
        "digital.scale_fraction": 16,
        "digital.product_fraction": 16,
        "digital.offset_integer": 9,
        "digital.offset_fraction": 14,
    }
    x = torch.randn(200, 30, generator=torch.Generator().manual_seed(1))
    for seed in range(5):
        torch.manual_seed(seed)
        model = nn.Linear(30, 20)
        fixed, floating = (
            hwsim.to_analog(model, FIXED.replace(generous)),
            hwsim.to_analog(model, "pcm-hermes-1"),
        )
        for net in (fixed, floating):
            hwsim.calibrate(net, x, method="max")
        step = float(fixed.output_range) / 127
        assert ((fixed(x) - floating(x).clamp(-128 * step, 127 * step)) / step).abs().max() <= 0.5 + 1e-3


@torch.no_grad()
def test_a_fused_relu_is_the_relu_behind_the_layer() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(30, 20), nn.ReLU()), torch.randn(50, 30)
    net = hwsim.to_analog(model, FIXED)
    hwsim.calibrate(net, x)
    assert net[0].fused == "relu"
    fused = net[0](x)
    net[0].fused = "identity"
    assert torch.equal(fused, torch.relu(net[0](x)))
    assert (fused == 0).any() and (fused > 0).any()


@torch.no_grad()
def test_the_output_of_a_layer_is_the_input_code_of_the_next() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(30, 20), nn.ReLU6(), nn.Linear(20, 4)), torch.randn(50, 30)
    net = hwsim.to_analog(model, FIXED)
    hwsim.calibrate(net, x)
    assert torch.equal(net[0].output_range, net[2].input_range[0])
    codes = net[0](x) / net[2].input_range * 127
    torch.testing.assert_close(codes, codes.round(), rtol=0, atol=1e-4)


@torch.no_grad()
def test_drift_compensation_is_in_the_scale_words() -> None:
    chips, _ = _chips({"tile.rows": 20})
    layer = chips.layers["6"] if "6" in chips.layers else chips.layers["7"]
    factors = chips.at("1 month", 0).compensation
    assert factors is not None
    name = next(name for name, one in chips.layers.items() if one is layer)
    assert float(factors[name].min()) > 1.05  # conductances have drifted down
    before, after = layer.fixed_point_words(), layer.fixed_point_words(factors[name])
    value = [words.scale / 2.0**words.exponent for words in (before, after)]
    live = before.scale > 30
    torch.testing.assert_close(
        (value[1] / value[0])[live], factors[name].expand_as(live)[live], rtol=0.03, atol=0
    )
    assert not torch.equal(before.scale * 2.0**-before.exponent, after.scale * 2.0**-after.exponent)


def _layer(changes: dict[str, object] | None = None) -> tuple[AnalogLayer, AnalogLayer, torch.Tensor]:
    """Return a layer with and without a unit, of the same weights and ranges, and inputs."""
    torch.manual_seed(0)
    model, x = nn.Linear(50, 12), torch.randn(64, 50)
    hardware = FIXED.replace({"tile.rows": 20, "tile.columns": 5, **(changes or {})})
    fixed = hwsim.to_analog(model, hardware)
    floating = hwsim.to_analog(model, hardware.replace({"digital.kind": "floating-point"}))
    for net in (fixed, floating):
        hwsim.calibrate(net, x)
        net.input_range.requires_grad_(True)
        net.output_scale.requires_grad_(True)
    assert isinstance(fixed, AnalogLayer) and isinstance(floating, AnalogLayer)
    return fixed, floating, x


def _gradients(layer: AnalogLayer, x: torch.Tensor, grad: torch.Tensor) -> dict[str, torch.Tensor]:
    x = x.clone().requires_grad_(True)
    layer(x).backward(grad)
    found = {name: value.grad for name, value in layer.named_parameters() if value.grad is not None}
    assert x.grad is not None
    return {**found, "x": x.grad}


@pytest.mark.parametrize("partial_sums", ["full-width", "output-width"])
def test_gradients_are_those_of_the_affine_where_no_bound_is_reached(partial_sums: str) -> None:
    fixed, floating, x = _layer({"digital.partial_sums": partial_sums})
    with torch.no_grad():
        fixed.output_range.mul_(4)
    grad = torch.randn(64, 12)
    found, wanted = _gradients(fixed, x, grad), _gradients(floating, x, grad)
    assert set(found) == set(wanted) == {"weight", "bias", "input_range", "output_scale", "x"}
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-4 * float(value.abs().max()))


@pytest.mark.parametrize("kernel", ["compiled", "plain"])
def test_gradients_stop_where_an_output_is_bounded(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kernel == "plain":
        monkeypatch.setattr("hwsim.kernels.library.library", lambda: None)
    fixed, floating, x = _layer()
    with torch.no_grad():
        fixed.output_range.div_(3)
        codes = fixed(x) / (fixed.output_range / 127)
    inside = (codes > -127.5) & (codes < 126.5)
    assert 0.2 < inside.float().mean() < 0.8
    grad = torch.randn(64, 12)
    found, wanted = _gradients(fixed, x, grad), _gradients(floating, x, grad * inside)
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-4 * float(value.abs().max()))


@pytest.mark.skipif(kernels.library() is None, reason="no C compiler builds the kernels")
@pytest.mark.parametrize("variant", VARIANTS)
def test_compiled_and_plain_training_are_equal(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if variant in ("wrapping", "all-noise"):
        pytest.skip("wrapped words have no gradient; noise has one draw for each path")
    model, x = _network()
    net = hwsim.to_analog(model, FIXED.replace(VARIANTS[variant]))
    hwsim.calibrate(net, x)
    with torch.no_grad():
        net[0].output_range.div_(2)
    for layer in net.modules():
        if isinstance(layer, AnalogLayer) and layer.output_range is not None:
            for learned in (layer.output_range, layer.output_scale, layer.input_range):
                learned.requires_grad_(True)
    found = []
    for library in (kernels.library, lambda: None):
        monkeypatch.setattr("hwsim.kernels.library.library", library)
        net.zero_grad()
        outputs = net(x)
        (outputs * torch.linspace(-1, 1, 5)).sum().backward()
        grads = {name: value.grad.clone() for name, value in net.named_parameters() if value.grad is not None}
        found.append((outputs.detach(), grads))
    (outputs, grads), (plain, plain_grads) = found
    assert torch.equal(outputs, plain)
    assert any(name.endswith("output_range") for name in grads)
    for name, value in plain_grads.items():
        torch.testing.assert_close(grads[name], value, rtol=1e-3, atol=1e-6 + 1e-4 * float(value.abs().max()))


def test_training_sees_the_outputs_that_evaluation_does() -> None:
    fixed, _, x = _layer()
    with torch.no_grad():
        wanted = fixed(x)
    assert torch.equal(fixed(x), wanted)
    noise = NoiseStream(NoisePool(torch.Generator().manual_seed(0)), key=5)
    fixed.execution = Execution(noise=noise)
    noisy = fixed(x)
    with torch.no_grad():
        fixed.execution = Execution(noise=noise)
        assert torch.equal(fixed(x), noisy)
    fixed.execution = NOMINAL
    assert not torch.equal(noisy, wanted)


@pytest.mark.parametrize("fold", [None, False])
def test_hardware_aware_training_lowers_the_loss(fold: bool | None) -> None:
    model, x = _network()
    y = torch.arange(7) % 5
    net = hwsim.to_analog(model, FIXED, fold_batch_norms=fold).train()
    hwsim.calibrate(net, x)
    before = float(net[9].output_range.detach())
    hwa = hwsim.HwaTraining(net, seed=0, learn_ranges=True)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        with hwa.step():
            loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        hwa.after_update()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert float(net[9].output_range.detach()) > 2 * before  # the scores of an untrained network are small
    if fold is False:
        folded = hwsim.fold_batch_norms(net.eval())
        hwsim.calibrate(folded, x)
        assert isinstance(folded[1], nn.Identity) and isinstance(folded[3].norm3, nn.BatchNorm2d)
        chips = hwsim.program(folded, n=2)
        assert hwsim.accuracy_over_time(chips, x, y, "1 s").mean[0] > 0.6


def test_a_learned_output_range_has_the_gradient_of_its_bounds_and_decays() -> None:
    fixed, _, x = _layer()
    assert fixed.output_range is not None
    with torch.no_grad():
        fixed.output_range.div_(3)
        codes = fixed(x) / (fixed.output_range / 127)
    fixed.output_range.requires_grad_(True)
    fixed(x).sum().backward()
    at_bounds = torch.where(codes > 126.5, 127.0, 0.0) + torch.where(codes < -127.5, -128.0, 0.0)
    assert fixed.output_range.grad is not None
    assert float(fixed.output_range.grad) == pytest.approx(float(at_bounds.sum() / 127), rel=1e-4)
    hwa = hwsim.HwaTraining(fixed, seed=0, learn_ranges=True)
    with torch.no_grad():
        fixed.output_range.mul_(30)
    wide = float(fixed.output_range.detach())
    with hwa.step():
        fixed(x)
    hwa.after_update()
    assert float(fixed.output_range.detach()) == pytest.approx(0.999 * wide)


def test_files_of_chips_and_analog_json_hold_the_output_range(tmp_path: Path) -> None:
    chips, x = _chips({})
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    model, _ = _network()
    again = hwsim.load_chips(hwsim.to_analog(model, FIXED), tmp_path / "chips.safetensors")
    curves = [hwsim.evaluate(one, (x, torch.zeros(7, 5)), "1 h", "mse").values for one in (chips, again)]
    assert curves[0] == curves[1]
    parameters = hwsim.analog_parameters(chips.net)
    first = parameters["layers"]["0"]
    words = chips.layers["0"].fixed_point_words()
    assert first["scale_words"] == words.scale.long().tolist() and min(first["scale_words"][0]) < 0
    assert first["exponents"] == words.exponent.tolist()
    values = {"hardware": FIXED.model_dump(mode="json"), "layers": parameters}
    (tmp_path / "analog.json").write_text(json.dumps(values))
    loaded = hwsim.load_analog(model, tmp_path / "analog.json")
    with torch.no_grad():
        assert torch.equal(loaded(x), chips.net(x))
    for layer in parameters["layers"].values():
        del layer["output_range"]
    (tmp_path / "analog.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match="`output_range` of `0` must be a number above 0"):
        hwsim.load_analog(model, tmp_path / "analog.json")


def test_the_report_names_coarse_columns_and_saturated_offsets() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0] * 4, [0.01] * 4, [0.0] * 4]))
        model[0].bias.copy_(torch.tensor([0.0, -50.0, 0.0]))
    net = hwsim.to_analog(model, FIXED, digital_layers="3")
    hwsim.calibrate(net, torch.rand(20, 4, generator=torch.Generator().manual_seed(0)))
    report = hwsim.fixed_point_report(net)
    first, second = report.layers
    assert (first.columns, first.coarse_columns) == (3, 1)
    assert first.least_significant_bits in (1, 2)  # of 0.01 where 1 keeps eight
    assert (first.saturated_offsets, first.fused, second.fused) == (1, "relu", "identity")
    assert (report.coarse_columns, report.saturated_offsets, report.batch_norms) == (1, 1, ("3",))
    assert first.product_bits == (127 * 255).bit_length()
    assert "1 of 5 columns with fewer than 4 significant bits" in str(report)
    assert "in floating point: 3" in str(report)
    assert list(report.to_frame()["saturated_offsets"]) == [1, 0]
    assert report.to_json()["layers"][0]["exponents"] == list(first.exponents)


@pytest.mark.slow
def test_digits_lose_little_to_fixed_point() -> None:
    images, classes = load_digits(return_X_y=True)
    x = torch.tensor(images / 16, dtype=torch.float32).view(-1, 1, 8, 8)
    y = torch.tensor(classes)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, bias=False), nn.BatchNorm2d(12), nn.ReLU(),
        nn.Conv2d(12, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(15):
        for part in torch.randperm(1437, generator=generator).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[part]), y[part]).backward()
            optimizer.step()
    curves = []
    for hardware in (FIXED, FIXED.replace({"digital.kind": "floating-point"})):
        net = hwsim.to_analog(model.eval(), hardware, fold_batch_norms=True)
        hwsim.calibrate(net, x[:512])
        curves.append(hwsim.accuracy_over_time(hwsim.program(net, n=10, seed=1), x[1437:], y[1437:], "1 h"))
    assert float(curves[1].mean[0]) > 0.85
    assert abs(float(curves[0].minus(curves[1]).mean[0])) <= 0.004
