"""The compiled batch norm against torch's own, in float32 and, for the gradients, in float64."""

import copy

import pytest
import torch
from torch import nn

import hwsim
from analognas.training.fused_norm import FusedNorm, fused
from analognas.training.kernels import library as module
from search_spaces import published

pytestmark = pytest.mark.skipif(module.library() is None, reason="no C compiler")


def norm(channels: int) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(channels)
    generator = torch.Generator().manual_seed(channels)
    with torch.no_grad():
        layer.weight.normal_(1, 0.5, generator=generator)
        layer.bias.normal_(0, 0.5, generator=generator)
    return layer


def inputs(shape: tuple[int, ...], offset: float = 0.3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator) + offset
    return x.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("before", "after"), [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize(
    "shape", [(4, 16, 5, 7), (3, 1, 9, 9), (130, 3, 11, 4), (2, 700, 2, 2), (64, 24, 16, 16)]
)
def test_it_is_torchs_batch_norm(shape, before, after) -> None:
    ours, theirs = norm(shape[1]), norm(shape[1]).double()
    layer = FusedNorm(ours, before, after).train()
    x = inputs(shape).requires_grad_()
    y = layer(x)
    grad = inputs(shape, 0.0)
    y.backward(grad)
    x64 = x.detach().double().requires_grad_()
    z = theirs(x64.relu() if before else x64)
    z = z.relu() if after else z
    z.backward(grad.double())
    torch.testing.assert_close(y.double(), z, atol=1e-4, rtol=1e-4)
    assert x.grad is not None
    assert x64.grad is not None
    near_zero = (z.detach().abs() < 1e-5) & after  # rounding decides on which side of the ReLU a value is
    wrong = ((x.grad - x64.grad).abs() > 1e-3) & ~near_zero
    assert int(wrong.sum()) == 0
    for mine, reference in ((ours.weight.grad, theirs.weight.grad), (ours.bias.grad, theirs.bias.grad)):
        torch.testing.assert_close(mine.double(), reference, atol=2e-2, rtol=1e-3)
    torch.testing.assert_close(ours.running_mean.double(), theirs.running_mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.running_var.double(), theirs.running_var, atol=1e-5, rtol=1e-4)
    assert int(ours.num_batches_tracked) == 1


def test_a_mean_far_from_zero_keeps_its_variance() -> None:
    ours, theirs = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
    x = inputs((32, 8, 6, 6), 1000.0)
    torch.testing.assert_close(FusedNorm(ours, False, False).train()(x), theirs(x), atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(ours.running_var, theirs.running_var, atol=1e-4, rtol=1e-3)


def test_threads_do_not_change_the_result() -> None:
    x = inputs((64, 24, 16, 16))
    before = torch.get_num_threads()
    results = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        results.append(FusedNorm(norm(24), False, True).train()(x))
    torch.set_num_threads(before)
    assert torch.equal(*results)


@pytest.mark.parametrize("name", ["resnet8", "ds-cnn", "analognas-cifar10-t100"])
def test_a_network_trains_the_same_and_is_itself_again_afterwards(name: str) -> None:
    plain = published(name, (3, 12, 12), 4).to(memory_format=torch.channels_last)
    ours = copy.deepcopy(plain)
    x, y = inputs((16, 3, 12, 12)), torch.arange(16) % 4
    names = [name for name, _ in ours.named_modules()]
    with fused(ours):
        assert any(isinstance(module, FusedNorm) for module in ours.modules())
        nn.functional.cross_entropy(ours.train()(x), y).backward()
    nn.functional.cross_entropy(plain.train()(x), y).backward()
    assert [name for name, _ in ours.named_modules()] == names
    scale = max(
        float(parameter.grad.norm()) for parameter in plain.parameters() if parameter.grad is not None
    )
    for (key, mine), reference in zip(ours.named_parameters(), plain.parameters(), strict=True):
        assert reference.grad is not None
        if mine.grad is None:  # a bias that the norm takes away again
            assert key.endswith("bias")
            assert float(reference.grad.norm()) < 1e-5 * scale, key
            continue
        # a value so close to zero that rounding decides its ReLU changes a gradient by far more than rounding
        wrong = float((mine.grad - reference.grad).norm()) / max(float(reference.grad.norm()), 1e-2)
        assert wrong < 2e-2, key
    torch.testing.assert_close(ours.eval()(x), plain.eval()(x), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("analog", [False, True])
def test_a_bias_before_the_norm_keeps_its_value_and_reaches_the_running_mean(analog: bool) -> None:
    plain = published("resnet8", (3, 12, 12), 4).to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for module in plain.modules():
            if isinstance(module, nn.Conv2d):
                module.bias.normal_(0, 0.5, generator=generator)
    x = inputs((16, 3, 12, 12))
    if analog:
        plain = hwsim.to_analog(plain, hwsim.preset("ideal-8bit"))
        hwsim.calibrate(plain.eval(), [x])
    ours = copy.deepcopy(plain)
    biases = {name: value.clone() for name, value in ours.named_parameters() if name.endswith("bias")}
    with fused(ours):
        inside = {name.replace(".norm.", ".") for name, _ in ours.named_parameters()}
        ours.train()(x)
        judged = ours.eval()(x)
    plain.train()(x)
    assert len(biases.keys() - inside) == 7
    assert all(torch.equal(value, biases[name]) for name, value in ours.named_parameters() if name in biases)
    for (name, mine), theirs in zip(ours.named_buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=2e-2 if analog else 1e-5, rtol=1e-3, msg=name)
    torch.testing.assert_close(judged, ours.eval()(x), atol=1e-5, rtol=1e-4)


def test_analog_convolutions_without_a_bias_train() -> None:
    network = hwsim.to_analog(published("analognas-cifar10-t100", (3, 12, 12), 4), hwsim.preset("ideal-8bit"))
    x = inputs((8, 3, 12, 12))
    hwsim.calibrate(network.eval(), [x])
    with fused(network):
        network.train()(x).sum().backward()
    assert all(
        weight.grad is not None for name, weight in network.named_parameters() if name.endswith("0.weight")
    )


def test_on_another_device_nothing_is_replaced() -> None:
    network = published("resnet8", (3, 8, 8), 4).to("meta")
    with fused(network):
        assert not any(isinstance(module, FusedNorm) for module in network.modules())


def test_an_error_inside_puts_everything_back() -> None:
    network = published("resnet8", (3, 8, 8), 4)
    with pytest.raises(RuntimeError, match="stop"), fused(network):
        raise RuntimeError("stop")
    assert not any(isinstance(module, FusedNorm) for module in network.modules())


def test_evaluation_and_other_layouts_use_torch() -> None:
    layer = FusedNorm(norm(4), False, True)
    reference = nn.Sequential(norm(4), nn.ReLU())
    x = torch.randn(8, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer.eval()(x), reference.eval()(x))
    torch.testing.assert_close(layer.train()(x), reference.train()(x))


def test_without_a_compiler_nothing_is_replaced(monkeypatch) -> None:
    from analognas.training import fused_norm

    monkeypatch.setattr(fused_norm, "library", lambda: None)
    network = published("resnet8", (3, 8, 8), 4)
    with fused(network):
        assert not any(isinstance(module, FusedNorm) for module in network.modules())
