"""Parity with aihwkit-lightning, where it is installed (`pip install --no-deps aihwkit-lightning==2.1.0`).

It has converters, noise on weights and outputs in training, and no devices. Deliberate differences: output noise is on
in evaluation here, too; the gradient of a learned input range is the one described in test_aihwkit.py.
"""

from typing import Any

import pytest
import torch
from torch import nn

import hwsim
from hwsim.modules import Execution
from hwsim.noise import NoisePool, NoiseStream

pytest.importorskip("aihwkit_lightning", reason="aihwkit-lightning is not installed (it needs --no-deps)")
pytestmark = pytest.mark.filterwarnings("default")  # its warnings are not ours

RANGE = 2.5


def _peer(layer: nn.Module, *, out_noise: float = 0.0, weight_noise: float = 0.0) -> nn.Module:
    from aihwkit_lightning.nn.conversion import convert_to_analog
    from aihwkit_lightning.simulator.configs import (
        TorchInferenceRPUConfig,
        WeightClipType,
        WeightNoiseInjectionType,
    )

    config: Any = TorchInferenceRPUConfig()
    config.forward.inp_res = config.forward.out_res = 1 / 254
    config.forward.out_bound = 10.0
    config.forward.out_noise, config.forward.out_noise_per_channel = out_noise, True
    config.mapping.max_input_size = 512
    config.clip.type, config.clip.sigma = WeightClipType.LAYER_GAUSSIAN_PER_CHANNEL, 100.0
    config.pre_post.input_range.enable = True
    config.pre_post.input_range.init_value = RANGE
    config.pre_post.input_range.init_from_data = 0
    config.pre_post.input_range.learn_input_range = False
    if weight_noise:
        config.modifier.noise_type = WeightNoiseInjectionType.ADD_NORMAL_PER_CHANNEL
        config.modifier.std_dev = weight_noise
    peer: nn.Module = convert_to_analog(layer, config)
    return peer


def _ours(layer: nn.Module, preset: str = "ideal-8bit") -> nn.Module:
    net = hwsim.to_analog(layer, hwsim.preset(preset))
    net.input_range.data.fill_(RANGE)
    return net


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    return nn.Linear(150, 40)


def _inputs(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def _step(layer: nn.Linear | nn.Conv2d) -> torch.Tensor:
    return RANGE * layer.weight.detach().flatten(1).abs().amax(1) * 10 / 127


def test_noise_free_outputs_are_the_same(layer: nn.Linear) -> None:
    x = _inputs(64, 150)
    difference = ((_peer(layer).eval()(x) - _ours(layer)(x)) / _step(layer)).abs()
    assert (difference < 1e-3).float().mean() > 0.999
    assert difference.max() < 1.01


def test_noise_free_convolutions_are_the_same() -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    conv = nn.Conv2d(6, 9, 3, stride=2, padding=1)
    x = _inputs(4, 6, 11, 11)
    difference = ((_peer(conv).eval()(x) - _ours(conv)(x)) / _step(conv)[:, None, None]).abs()
    assert (difference < 1e-3).float().mean() > 0.999


def test_output_noise_is_equally_strong(layer: nn.Linear) -> None:
    torch.manual_seed(1)  # the peer draws from torch's global generator
    x = _inputs(1, 150).expand(8000, -1)
    net = _ours(layer, "pcm-analognas")
    net.execution = Execution(noise=NoiseStream(NoisePool(torch.Generator().manual_seed(0)), 5))
    peer = _peer(layer, out_noise=0.04).train()
    ours, theirs = (model(x).detach().std(0) / _step(layer) for model in (net, peer))
    assert ours.mean().item() == pytest.approx(theirs.mean().item(), rel=0.02)


@pytest.mark.parametrize("weight_noise", [0.0, 0.1])
def test_gradients_of_hardware_aware_training_are_the_same(layer: nn.Linear, weight_noise: float) -> None:
    peer, ours = _peer(layer, weight_noise=weight_noise).train(), _ours(layer)
    scale = layer.weight.detach().abs().amax(1, keepdim=True)
    noise = torch.randn(40, 150, generator=torch.Generator().manual_seed(5))
    ours.execution = Execution(weight_noise=weight_noise * scale * noise)
    gradients = []
    for model in (peer, ours):
        x = _inputs(64, 150).requires_grad_()
        torch.manual_seed(5)  # the peer draws the same noise from torch's global generator
        model(x).square().sum().backward()
        named = {name.rpartition(".")[2]: parameter.grad for name, parameter in model.named_parameters()}
        gradients.append((x.grad, named["bias"], named["weight"]))
    for theirs, found in zip(*gradients, strict=True):
        torch.testing.assert_close(found, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max()))
