import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import hwsim
from hwsim.converters import adc
from hwsim.modules import AnalogLayer, Execution
from hwsim.noise import NoisePool, NoiseStream

ONE_GAIN = {"converters": {"adc_gain": "shared", "weight_scaling": "layer", "dac_bits": 6, "adc_bits": 5}}
SHARED = hwsim.preset("pcm-analognas").replace(ONE_GAIN)
LAYER = SHARED.replace({"converters.adc_gain": "layer"})


def model() -> nn.Sequential:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    return nn.Sequential(nn.Linear(30, 12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4))


def inputs(n: int = 64) -> torch.Tensor:
    return torch.randn(n, 30, generator=torch.Generator().manual_seed(1))


def analog(hardware: hwsim.Hardware = SHARED) -> tuple[nn.Module, dict[str, AnalogLayer], torch.Tensor]:
    net, x = hwsim.to_analog(model(), hardware), inputs()
    hwsim.calibrate(net, x)
    return net, {name: layer for name, layer in net.named_modules() if isinstance(layer, AnalogLayer)}, x


def learning(layers: dict[str, AnalogLayer]) -> None:
    for layer in layers.values():
        layer.input_range.requires_grad_(True)
        assert layer.out_bound is not None
        layer.out_bound.requires_grad_(True)


def test_all_layers_hold_one_tensor_that_copies_and_moves_keep() -> None:
    net, _, _ = analog()
    for one in (
        net,
        copy.deepcopy(net),
        copy.deepcopy(net).to("cpu", torch.float64),
        hwsim.program(net, n=1).net,
    ):
        assert len({id(one[place].out_bound) for place in (0, 2, 4)}) == 1
        assert sum("out_bound" in name for name, _ in one.named_parameters()) == 1
    other, layers, _ = analog(LAYER)
    assert len({float(layer.out_bound.detach()) for layer in layers.values()}) == 3
    assert not [
        name for name, _ in hwsim.to_analog(model(), "pcm-analognas").named_parameters() if "bound" in name
    ]
    assert sum("out_bound" in name for name, _ in other.named_parameters()) == 3


@pytest.mark.parametrize("counts", [False, True])
def test_the_gradient_of_a_bound_is_that_of_a_learned_step(counts: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    current, grad = torch.randn(50, 6, generator=generator), torch.randn(50, 6, generator=generator)
    gain, n, b = torch.linspace(0.5, 3, 6), 7, 1.5
    scale = torch.ones(6) if counts else torch.linspace(-1, 2, 6)
    bound = torch.tensor(b, requires_grad=True)
    outputs = adc(current.requires_grad_(True), gain, scale, None, 0.0, n, b, -1, None, counts, bound)
    outputs.backward(grad)
    v = current.detach() * gain
    inside = v.abs() <= b
    assert 0.2 < inside.float().mean() < 0.9
    q = outputs.detach() / scale * (b / n if counts else 1)
    torch.testing.assert_close(q, (v * n / b).round().clamp(-n, n) * b / n)
    of_counts = torch.where(inside, -v * n / b**2, 0.0)  # a count shrinks as the bound grows
    slope = of_counts if counts else scale * torch.where(inside, (q - v) / b, v.sign())
    torch.testing.assert_close(bound.grad, (grad * slope).sum(), rtol=1e-4, atol=1e-4)
    assert current.grad is not None
    torch.testing.assert_close(current.grad, grad * inside * gain * (n / b if counts else scale))


def quantised(x: torch.Tensor, limit: torch.Tensor, n: int) -> torch.Tensor:
    """LSQ by torch alone: clip, round straight-through, and scale back."""
    steps = (x * n / limit).clamp(-n, n)
    return (steps + (steps.round() - steps).detach()) * limit / n


def test_the_shared_gradient_is_the_sum_over_layers_in_closed_form() -> None:
    net, layers, x = analog()
    learning(layers)
    y = torch.randn(64, 4, generator=torch.Generator().manual_seed(2))
    found = net(x)
    (found * y).sum().backward()
    alphas, ranges, bound = {}, {}, float(layers["0"].out_bound.detach())
    h = x
    for name, layer in layers.items():
        alpha, gamma = layer.input_range.detach().clone(), float(layer.weight.detach().abs().max())
        alphas[name] = alpha.requires_grad_(True)
        ranges[name] = (bound * alpha.detach() * gamma).requires_grad_(True)
        h = (
            quantised(quantised(h, alphas[name], 31) @ layer.weight.detach().T, ranges[name], 15)
            + layer.bias.detach()
        )
        h = h.relu() if name != "4" else h
    torch.testing.assert_close(h, found)
    (h * y).sum().backward()
    terms = {name: r.grad * r.detach() / bound for name, r in ranges.items()}  # r / b is alpha gamma
    assert all(float(term.abs()) > 1e-3 for term in terms.values())
    torch.testing.assert_close(
        layers["0"].out_bound.grad, sum(terms.values()).squeeze(), rtol=1e-3, atol=1e-4
    )
    for name, layer in layers.items():  # an input range moves r as well
        wanted = alphas[name].grad + ranges[name].grad * ranges[name].detach() / alphas[name].detach()
        torch.testing.assert_close(layer.input_range.grad, wanted, rtol=1e-3, atol=1e-4)


def test_gains_of_layers_add_up_to_the_shared_one() -> None:
    net, layers, x = analog()
    apart, own, _ = analog(LAYER)
    with torch.no_grad():
        for name, layer in own.items():
            layer.out_bound.copy_(layers[name].out_bound)
            layer.input_range.copy_(layers[name].input_range)
    for one, its in ((net, layers), (apart, own)):
        learning(its)
        (one(x) ** 2).sum().backward()
    torch.testing.assert_close(
        layers["0"].out_bound.grad, sum(layer.out_bound.grad for layer in own.values())
    )


def test_the_gradient_reaches_the_gain_behind_a_fixed_point_unit() -> None:
    fine = {
        "kind": "fixed-point",
        "scale_fraction": 12,
        "product_fraction": 8,
        "output_bits": 16,
        "offset_integer": 15,
    }
    found = []
    for changes in ({}, {"digital": fine}):
        net, layers, x = analog(SHARED.replace(changes))
        learning(layers)
        with torch.no_grad():
            for layer in layers.values():
                if layer.output_range is not None:
                    layer.output_range.mul_(4)  # no output word is a bound
        (net(x) * torch.linspace(-1, 1, 4)).sum().backward()
        found.append(layers["0"].out_bound.grad)
    assert float(found[0].abs()) > 0.1
    torch.testing.assert_close(found[1], found[0], rtol=0.02, atol=0.0)


def test_calibration_spans_outputs_and_widens_inputs_where_one_gain_is_too_large() -> None:
    _, own, x = analog(LAYER)
    _, tied, _ = analog()
    needs = torch.stack([layer.out_bound for layer in own.values()]).detach()
    bound = float(tied["0"].out_bound.detach())

    def steps(b: float) -> float:
        of_dac, of_adc = (needs / b).clamp(min=1) / 31, (b / needs).clamp(min=1) / 15
        return float((of_dac**2 + of_adc**2).sum())

    assert float(needs.min()) < bound < float(needs.max())
    assert steps(bound) <= min(steps(0.98 * bound), steps(1.02 * bound))
    for need, mine, other in zip(needs, own.values(), tied.values(), strict=True):
        widened = float((other.input_range / mine.input_range).detach())
        assert widened == pytest.approx(max(1.0, float(need) / bound), rel=1e-5)
    first = own["0"]
    largest = (x / first.input_range @ (first.weight / first.weight.abs().max()).T).abs().flatten()
    assert float((largest > first.out_bound).float().mean()) == pytest.approx(1e-3, abs=1.5e-3)


@pytest.mark.parametrize("preset", ["pcm-analognas", "pcm-rasch2023"])
def test_noise_is_the_same_whether_the_gain_learns_or_not(preset: str) -> None:
    net, layers, x = analog(hwsim.preset(preset).replace(ONE_GAIN))
    pool = NoisePool(torch.Generator().manual_seed(0))
    found = []
    for learns in (False, True):
        for layer in layers.values():
            layer.out_bound.requires_grad_(learns)
            layer.execution = Execution(noise=NoiseStream(pool, key=5))
        found.append(net(x).detach())
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0.02 * float(found[0].abs().max()))
    assert (found[1] - found[0]).abs().median() <= 1e-5 * found[0].abs().max()


def test_training_moves_one_gain_and_chips_compute_with_it() -> None:
    net, layers, x = analog()
    before, y = float(layers["0"].out_bound.detach()), torch.arange(64) % 4
    hwa = hwsim.HwaTraining(net, seed=0, learn_ranges=True, range_decay=0.0)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(20):
        optimizer.zero_grad()
        with hwa.step():
            nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
        hwa.after_update()
    after = float(layers["0"].out_bound.detach())
    assert abs(after - before) > 0.02
    assert hwsim.program(net, n=1).net[4].crossbar.out_bound == after


def test_export_asserts_one_gain(tmp_path: Path) -> None:
    net, layers, _ = analog()
    stored = hwsim.analog_parameters(net)
    assert len({layer["out_bound"] for layer in stored["layers"].values()}) == 1
    chips = hwsim.program(net, n=1)
    for layer in (net[2], chips.net[2]):
        layer.out_bound = nn.Parameter(layer.out_bound.detach() * 2, False)
    for attempt in (
        lambda: hwsim.analog_parameters(net),
        lambda: hwsim.HwaTraining(net, seed=0),
        lambda: hwsim.save_chips(chips, tmp_path / "chips.safetensors"),
    ):
        with pytest.raises(
            ValueError, match=r"all layers must have one ADC gain .* in `0` and .* in `2`: hwsim.to_analog"
        ):
            attempt()
    net[2].out_bound = nn.Parameter(layers["0"].out_bound.detach().clone(), False)
    with pytest.raises(ValueError, match="must hold one `out_bound`, got copies"):
        hwsim.analog_parameters(net)


def test_loading_asserts_one_gain_and_keeps_it(tmp_path: Path) -> None:
    net, layers, x = analog()
    with torch.no_grad():
        layers["0"].out_bound.mul_(1.25)
        layers["0"].weight_range.copy_(2 * layers["0"].weight.abs().max())
    stored, path = hwsim.analog_parameters(net), tmp_path / "analog.json"
    path.write_text(json.dumps({"hardware": SHARED.model_dump(mode="json"), "layers": stored}))
    for source in ((path,), (stored, SHARED)):
        again = hwsim.load_analog(hwsim.to_digital(net), *source)
        assert hwsim.analog_parameters(again) == stored
        torch.testing.assert_close(again(x), net(x), rtol=0, atol=0)
        assert again[0].out_bound is again[4].out_bound
    del stored["layers"]["2"]["out_bound"]
    with pytest.raises(ValueError, match="`out_bound` of `2` must be a number above 0, got None"):
        hwsim.load_analog(hwsim.to_digital(net), stored, SHARED)
    stored["layers"]["2"]["out_bound"] = 3.0
    with pytest.raises(ValueError, match="the given parameters: all layers must have one ADC gain"):
        hwsim.load_analog(hwsim.to_digital(net), stored, SHARED)


def test_files_of_chips_hold_one_gain(tmp_path: Path) -> None:
    net, _, x = analog()
    chips, path = hwsim.program(net, n=2), tmp_path / "chips.safetensors"
    hwsim.save_chips(chips, path)
    again = hwsim.load_chips(hwsim.to_analog(model(), SHARED), path)
    assert again.net[0].out_bound is again.net[4].out_bound
    y = torch.arange(64) % 4
    before, now = (hwsim.accuracy_over_time(one, x, y, "1 day") for one in (chips, again))
    assert before == now
    with safe_open(path, "pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    tensors["net.2.out_bound"] = tensors["net.2.out_bound"] * 2
    save_file(tensors, path, metadata)
    with pytest.raises(ValueError, match="all layers must have one ADC gain"):
        hwsim.load_chips(hwsim.to_analog(model(), SHARED), path)


def test_hardware_of_layers_with_one_gain_starts_from_one_bound() -> None:
    other = SHARED.replace({"converters.out_bound": 4.0})
    with pytest.raises(ValueError, match="hardware: all layers must have one ADC gain"):
        hwsim.to_analog(model(), SHARED, layers={"2": other})
    mixed = hwsim.to_analog(model(), SHARED, layers={"2": hwsim.preset("pcm-analognas")})
    assert mixed[2].out_bound is None and mixed[0].out_bound is mixed[4].out_bound


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"converters.adc_bits": None}, "`adc_bits` must be a number with `adc_gain` shared, got null"),
        ({"converters.input_scaling": "dynamic"}, "`input_scaling` must be static with `adc_gain` shared"),
        (
            {"converters.adc_gain": "one"},
            "`converters.adc_gain`: must be 'fixed', 'shared' or 'layer', got 'one'",
        ),
        ({"converters.weight_scaling": "tile"}, "`converters.weight_scaling`: must be 'column' or 'layer'"),
    ],
)
def test_hardware_without_a_gain_to_set(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        SHARED.replace(changes)
    assert "\n" not in str(caught.value)
