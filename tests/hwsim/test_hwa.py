import copy
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn

import hwsim


def _net(preset: str = "pcm-analognas") -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4))
    net = hwsim.to_analog(model, hwsim.preset(preset))
    x = torch.randn(8, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    hwsim.calibrate(net, [x])
    return net, x


def test_noise_is_redrawn_each_step_and_reproducible() -> None:
    net, x = _net()

    def outputs(seed: int) -> list[torch.Tensor]:
        hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(seed))
        result = []
        for _ in range(3):
            with hwa.step():
                result.append(net(x).detach())
        return result

    first, again, other = outputs(0), outputs(0), outputs(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], other[0])


def test_the_gradient_is_that_of_the_noisy_weights_and_the_update_is_clean() -> None:
    net, x = _net("floating-point")
    before = net[3].weight.detach().clone()
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0), weight_noise=0.3)
    with hwa.step():
        noisy = [before + net[3].execution.weight_noise, net[0].weight + net[0].execution.weight_noise]
        net(x).square().sum().backward()
    assert torch.equal(net[3].weight, before)
    head, stem = (weight.detach().clone().requires_grad_() for weight in noisy)
    hidden = torch.relu(nn.functional.conv2d(x, stem, net[0].bias)).flatten(1)
    nn.functional.linear(hidden, head, net[3].bias).square().sum().backward()
    torch.testing.assert_close(net[3].weight.grad, head.grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(net[0].weight.grad, stem.grad, rtol=1e-4, atol=1e-4)


def test_weight_noise_has_its_strength_relative_to_each_columns_maximum_and_ramps_up() -> None:
    net = hwsim.to_analog(nn.Linear(20_000, 3), hwsim.preset("floating-point").replace({"tile.rows": 20_000}))
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0), weight_noise=0.1, ramp_steps=4)
    for expected in (0.025, 0.05, 0.075, 0.1, 0.1):
        with hwa.step():
            relative = net.execution.weight_noise.std(1) / net.weight.abs().amax(1)
        assert relative.tolist() == pytest.approx([expected] * 3, rel=0.03)


def test_weights_are_clipped_after_the_update() -> None:
    net, _ = _net()
    with torch.no_grad():
        net[3].weight[0, 0] = 50.0
    bound = 2.0 * float(net[3].weight.detach().std(correction=0))
    hwsim.HwaTraining(net, generator=torch.Generator(), clip_sigma=2.0).after_update()
    assert net[3].weight[0, 0].item() == pytest.approx(bound)


@pytest.mark.parametrize("tiny", [0.0, 1e-42])
@pytest.mark.parametrize("preset", ["pcm-analognas", "pcm-rasch2023", "floating-point"])
@pytest.mark.parametrize("modifier", ["gaussian", "device"])
def test_columns_of_zeros_have_the_gradient_of_the_digital_weights(
    modifier: Literal["gaussian", "device"], preset: str, tiny: float
) -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    layer = nn.Linear(6, 3)
    with torch.no_grad():
        layer.weight[1] = tiny
    net = hwsim.to_analog(layer, preset)
    x = torch.randint(-127, 128, (4, 6), generator=torch.Generator().manual_seed(1)) / 127  # what a DAC gives
    x[0] = 1.0
    hwsim.calibrate(net, [x], method="max")
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0), modifier=modifier)
    with hwa.step():
        outputs = net(x)
        outputs.sum().backward()
    torch.testing.assert_close(outputs[:, 1], net.bias[1].detach().expand(4), rtol=0, atol=1e-6)
    torch.testing.assert_close(net.weight.grad, x.sum(0).expand(3, 6))


def test_a_training_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    def begin(seed: int) -> tuple[nn.Module, hwsim.HwaTraining, torch.optim.Optimizer]:
        net, _ = _net()
        generator = torch.Generator().manual_seed(seed)
        hwa = hwsim.HwaTraining(net, generator=generator, ramp_steps=9, learn_ranges=True, learn_scales=True)
        return net, hwa, torch.optim.Adam(net.parameters(), 0.01)

    def steps(net: nn.Module, hwa: hwsim.HwaTraining, optimizer: torch.optim.Optimizer) -> None:
        for _ in range(3):
            optimizer.zero_grad()
            with hwa.step():
                net(x).square().sum().backward()
            optimizer.step()
            hwa.after_update()

    x, first, second = _net()[1], begin(0), begin(5)
    steps(*first)
    torch.save([part.state_dict() for part in first], tmp_path / "state.pt")
    for part, state in zip(second, torch.load(tmp_path / "state.pt"), strict=True):
        part.load_state_dict(state)
    steps(*first)
    steps(*second)
    torch.testing.assert_close(second[0].state_dict(), first[0].state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("part", ["steps", "generator", "pool", "NaN", None])
def test_a_training_takes_no_other_state(part: str | None) -> None:
    net, _ = _net()
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0))
    other = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(1)).state_dict()
    broken = {} if part is None else {**other, part: torch.zeros(3)}
    if part == "NaN":
        broken["pool"] = other["pool"] / 0
    before = hwa.state_dict()
    with pytest.raises(
        ValueError, match=r"`state` must be the state_dict\(\) of a training of this network, got "
    ):
        hwa.load_state_dict(broken)
    torch.testing.assert_close(hwa.state_dict(), before, rtol=0, atol=0)


def test_a_copy_that_is_made_during_a_step_has_no_noise() -> None:
    net, x = _net()
    wanted = net(x)
    with hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0)).step():
        assert not torch.equal(net(x), wanted)
        copied = copy.deepcopy(net)
        assert torch.equal(copied(x), wanted)
        assert not torch.equal(net(x), wanted)


@pytest.mark.parametrize("clipping", [{"clip_sigma": 0.5}, {"clip_sigma": None, "clip_value": 0.01}])
def test_frozen_weights_are_not_clipped(clipping: dict[str, float | None]) -> None:
    net, _ = _net()
    net[0].weight.requires_grad_(False)
    before = [net[0].weight.clone(), net[3].weight.detach().clone()]
    hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0), **clipping).after_update()
    assert torch.equal(net[0].weight, before[0])
    assert net[3].weight.abs().max() < before[1].abs().max()


def test_outside_of_a_step_the_network_is_deterministic() -> None:
    net, x = _net()
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0))
    before = net(x)
    with pytest.raises(RuntimeError, match="stop"), hwa.step():
        raise RuntimeError("stop")
    assert torch.equal(before, net(x))


@pytest.mark.parametrize(
    ("name", "value"),
    [("weight_noise", -0.1), ("clip_sigma", 0.0), ("ramp_steps", -1), ("weight_noise", float("nan"))],
)
def test_values_out_of_range_are_rejected(name: str, value: object) -> None:
    net, _ = _net()
    with pytest.raises(ValueError, match=name):
        hwsim.HwaTraining(net, generator=torch.Generator(), **{name: value})


def test_the_device_modifier_draws_what_programming_and_a_first_read_do() -> None:
    layer = nn.Linear(2000, 4)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(0, 1, 5)[1:, None].expand(4, 2000))
        layer.weight[:, 0] = 1.0
    net = hwsim.to_analog(layer, hwsim.preset("pcm-analognas").replace({"tile.rows": 2000}))
    net.input_range.data.fill_(1.0)
    hwa = hwsim.HwaTraining(
        net, generator=torch.Generator().manual_seed(0), modifier="device", weight_noise=1.0
    )
    with hwa.step():
        std = net.execution.weight_noise[:, 1:].std(1)
    chips = hwsim.program(net, n=1)
    reading = chips.at(0.0, 0).weights[""] - net.normalised_weight()
    assert std.tolist() == pytest.approx(reading[:, 1:].std(1).tolist(), rel=0.1)


def test_ranges_and_scales_are_learned_when_asked() -> None:
    net, x = _net()
    hwa = hwsim.HwaTraining(
        net, generator=torch.Generator().manual_seed(0), learn_ranges=True, learn_scales=True
    )
    before = net[0].input_range.item(), net[3].output_scale.detach().clone()
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.05)
    for _ in range(5):
        optimizer.zero_grad()
        with hwa.step():
            net(x).square().sum().backward()
        optimizer.step()
        hwa.after_update()
    assert net[0].input_range.item() != before[0]
    assert not torch.equal(net[3].output_scale, before[1])
    plain = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0))
    with plain.step():
        net(x).sum().backward()
    assert not net[0].input_range.requires_grad


def test_a_learned_range_decays_only_while_inputs_fit() -> None:
    net, x = _net()
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0), learn_ranges=True)
    for limit, factor in ((100.0, 0.999), (0.01, 1.0)):
        net[0].input_range.data.fill_(limit)
        with hwa.step():
            net(x)
        hwa.after_update()
        assert net[0].input_range.item() == pytest.approx(limit * factor)


@pytest.mark.parametrize("inputs", [(0.5, 2.0), (2.0, 0.5)])
def test_a_learned_range_decays_only_if_every_run_of_a_layer_fits(inputs: tuple[float, float]) -> None:
    net = hwsim.to_analog(nn.Linear(6, 6), "ideal-8bit")
    hwsim.calibrate(net, [torch.ones(1, 6)], method="max")
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0), learn_ranges=True)
    for level, looked_at, factor in ((1.0, 0.1, 1.0), (0.1, 2.0, 0.999)):
        with hwa.step():
            for value in inputs:
                net(torch.full((1, 6), level * value))
        net(torch.full((1, 6), looked_at))  # as of a validation set
        before = net.input_range.item()
        hwa.after_update()
        assert net.input_range.item() == pytest.approx(before * factor)


def test_fixed_clipping_bounds_every_weight() -> None:
    net, _ = _net()
    hwsim.HwaTraining(net, generator=torch.Generator(), clip_sigma=None, clip_value=0.0625).after_update()
    assert max(parameter.abs().max().item() for parameter in (net[0].weight, net[3].weight)) <= 0.0625


def test_distillation_is_cross_entropy_without_and_kl_with_a_teacher() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, teacher = torch.randn(6, 4, generator=generator), torch.randn(6, 4, generator=generator)
    y = torch.arange(6) % 4
    alone = hwsim.distillation_loss(logits, teacher, y, teacher_share=0)
    torch.testing.assert_close(alone, nn.functional.cross_entropy(logits, y))
    assert hwsim.distillation_loss(teacher, teacher, y, teacher_share=1).item() == pytest.approx(0, abs=1e-5)
    p, q = (torch.softmax(z.double() / 3, 1) for z in (teacher, logits))
    expected = 9 * (p * (p / q).log()).sum(1).mean()
    found = hwsim.distillation_loss(logits, teacher, y, temperature=3, teacher_share=1)
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)
    with pytest.raises(ValueError, match="temperature"):
        hwsim.distillation_loss(logits, teacher, y, temperature=0)


def test_distillation_counts_every_step_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, teacher = torch.randn(3, 4, 5, generator=generator), torch.randn(3, 4, 5, generator=generator)
    y = torch.randint(4, (3, 5), generator=generator)
    flat = hwsim.distillation_loss(logits.mT.reshape(15, 4), teacher.mT.reshape(15, 4), y.flatten())
    torch.testing.assert_close(hwsim.distillation_loss(logits, teacher, y), flat)
    with pytest.raises(ValueError, match=r"`y` must be `\(batch, steps\)`, \(3, 5\), got \(5, 3\)"):
        hwsim.distillation_loss(logits, teacher, y.mT)


@pytest.mark.parametrize("scaling", ["static", "dynamic"])
def test_outputs_are_linear_in_a_learned_scale_whatever_the_inputs_are_scaled_by(scaling: str) -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    hardware = hwsim.preset("pcm-rasch2023").replace({"converters.input_scaling": scaling, "tile.rows": 5})
    net = hwsim.to_analog(nn.Linear(9, 4, bias=False), hardware)
    x = torch.randn(6, 9, generator=torch.Generator().manual_seed(1))
    hwsim.calibrate(net, [x])
    hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(0), learn_scales=True)
    with hwa.step():
        outputs = net(x)
    outputs.sum().backward()
    assert net.output_scale.grad.shape == (2, 4)
    torch.testing.assert_close(net.output_scale.grad.sum(0), outputs.detach().sum(0))


def test_ranges_that_do_not_exist_are_not_learned() -> None:
    dynamic = hwsim.preset("pcm-analognas").replace({"converters.input_scaling": "dynamic"})
    net, generator = hwsim.to_analog(nn.Linear(4, 2), dynamic), torch.Generator()
    with pytest.raises(
        ValueError, match="`learn_ranges` must be False for hardware without static input ranges"
    ):
        hwsim.HwaTraining(net, generator=generator, learn_ranges=True)
    with pytest.raises(TypeError, match="`learn_scales` must be True or False, got 2"):
        hwsim.HwaTraining(net, generator=generator, learn_scales=2)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (torch.ones(3), "whole numbers"),
        (torch.tensor([0, 1, 5]), "0 <= y < 4"),
        (torch.tensor([0]), "`logits` and `y` must have the same length"),
    ],
)
def test_distillation_checks_its_classes(y: torch.Tensor, words: str) -> None:
    logits = torch.zeros(3, 4)
    with pytest.raises((TypeError, ValueError), match=words):
        hwsim.distillation_loss(logits, logits, y)


def test_noise_comes_from_a_seed_or_a_generator_not_from_both() -> None:
    def outputs(**source: object) -> torch.Tensor:
        torch.manual_seed(0)  # the weights; torch.nn takes no generator
        net = hwsim.to_analog(nn.Linear(6, 3), "pcm-rasch2023")
        hwsim.calibrate(net, torch.ones(4, 6))
        with hwsim.HwaTraining(net, **source).step():
            return net(torch.ones(4, 6)).detach()

    assert torch.equal(outputs(), outputs(seed=0))
    assert not torch.equal(outputs(), outputs(seed=1))
    assert torch.equal(outputs(seed=-(2**80)), outputs(seed=-(2**80)))
    generator = torch.Generator().manual_seed(5)
    assert not torch.equal(outputs(generator=generator), outputs(generator=generator))
    with pytest.raises(ValueError, match=r"`seed` must be left out with a generator.*got 0"):
        outputs(seed=0, generator=generator)
    with pytest.raises(TypeError, match=r"`seed` must be a whole number, got 0.5"):
        outputs(seed=0.5)


class _Halving:
    """Programs half of what it should, so that its error is known."""

    g_min_us, g_max_us = 0.0, 10.0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"g_us": g_target_us / 2}

    def read(self, state: dict[str, torch.Tensor], t_s: float, generator: torch.Generator) -> torch.Tensor:
        return state["g_us"]


def test_training_meets_the_error_of_a_device_object() -> None:
    net = hwsim.to_analog(nn.Linear(6, 3, bias=False), "floating-point")
    hwa = hwsim.HwaTraining(net, modifier="device", device=_Halving(), weight_noise=1.0)
    x = torch.ones(2, 6)
    with hwa.step():
        torch.testing.assert_close(net(x), x @ net.weight.T / 2)
    with pytest.raises(
        ValueError, match='`device` must be left out with the modifier gaussian: modifier="device"'
    ):
        hwsim.HwaTraining(net, device=_Halving())
    with pytest.raises(
        ValueError, match="`device` must have `g_max_us`, `g_min_us`, `program`, `read`, got int"
    ):
        hwsim.HwaTraining(net, modifier="device", device=3)
