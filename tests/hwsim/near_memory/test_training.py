import pytest
import torch
from torch import nn

import hwsim
from hwsim.kernels import library as kernels
from hwsim.modules import NOMINAL, AnalogLayer, Execution
from hwsim.noise import NoisePool, NoiseStream
from tests.hwsim.near_memory.networks import FIXED, VARIANTS, residual_network


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
    model, x = residual_network()
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
    model, x = residual_network()
    y = torch.arange(7) % 5
    net = hwsim.to_analog(model, FIXED, fold_batch_norms=fold).train()
    hwsim.calibrate(net, x)
    before = float(net[9].output_range.detach())
    hwa = hwsim.HwaTraining(net, seed=0, learn_ranges=True)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    losses = []
    for _ in range(120):
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
        digitally = hwsim.to_digital(net).eval()(x).detach()
        folded = hwsim.fold_batch_norms(net.eval())
        hwsim.calibrate(folded, x)
        assert isinstance(folded[1], nn.Identity) and isinstance(folded[3].norm3, nn.BatchNorm2d)
        torch.testing.assert_close(hwsim.to_digital(folded).eval()(x), digitally, rtol=1e-4, atol=1e-4)
        on_chips = hwsim.accuracy_over_time(hwsim.program(folded, n=10), x, y, "1 s").mean[0]
        # seven images say nothing of accuracy, but chips follow the network that they were programmed with
        assert abs(on_chips - float((digitally.argmax(1) == y).float().mean())) < 0.25


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
