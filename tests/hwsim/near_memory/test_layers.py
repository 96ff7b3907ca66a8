import json
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import hwsim
from hwsim.batched import BatchedChips
from hwsim.chips import Reading
from hwsim.fused.executor import FusedNetwork, Worker
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels
from hwsim.modules import NOMINAL, AnalogLayer
from hwsim.noise import NoisePool, NoiseStream
from tests.hwsim.near_memory.integers import Branches, output
from tests.hwsim.near_memory.networks import FIXED, VARIANTS, residual_network


def _chips(changes: dict[str, object], n: int = 1) -> tuple[hwsim.Chips, torch.Tensor]:
    model, x = residual_network()
    net = hwsim.to_analog(model, FIXED.replace(changes))
    hwsim.calibrate(net, x)
    return hwsim.program(net, n=n, seed=3), x


@pytest.mark.skipif(kernels.library() is None, reason="no C compiler builds the kernels")
@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_compiled_and_plain_paths_are_equal_bit_for_bit(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chips, x = _chips(VARIANTS[variant])
    noise = NoiseStream(NoisePool(torch.Generator().manual_seed(0)), key=11)
    reading = chips.at(3600.0, 0)
    network = FusedNetwork(chips, Inputs((x[:1],)))
    worker = Worker(network)
    worker.load(reading, noise)
    fused = torch.cat([worker(Inputs((x[:3],)), 0), worker(Inputs((x[3:],)), 3)])
    for library in (kernels.library, lambda: None):  # the unit compiled alone, and in torch
        monkeypatch.setattr("hwsim.kernels.library.library", library)
        _require_equal(chips, reading, noise, x, fused, variant)


def _require_equal(
    chips: hwsim.Chips,
    reading: Reading,
    noise: NoiseStream,
    x: torch.Tensor,
    fused: torch.Tensor,
    variant: str,
) -> None:
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


def test_files_of_chips_and_analog_json_hold_the_output_range(tmp_path: Path) -> None:
    chips, x = _chips({})
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    model, _ = residual_network()
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
