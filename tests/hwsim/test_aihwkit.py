"""Parity with aihwkit's torch tile, where it is installed (optional extra `peers`).

Deliberate differences, not compared: both devices of a pair drift on their own here (there, their difference does);
IR drop exists in its compiled tile only; tiles that share rows share one input range here.
"""

from typing import Any

import pytest
import torch
from torch import nn

import hwsim
from hwsim.devices import Pcm
from hwsim.modules import Execution
from hwsim.noise import NoisePool, NoiseStream

pytest.importorskip("aihwkit", reason="aihwkit is not installed (optional extra `peers`)")
pytestmark = pytest.mark.filterwarnings("default")  # its warnings are not ours

RANGE = 2.5


def _peer(layer: nn.Module, out_noise: float = 0.0) -> nn.Module:
    from aihwkit.nn.conversion import convert_to_analog
    from aihwkit.simulator.configs import TorchInferenceRPUConfig
    from aihwkit.simulator.configs.utils import BoundManagementType, NoiseManagementType

    config: Any = TorchInferenceRPUConfig()
    config.forward.inp_res = config.forward.out_res = 1 / 254
    config.forward.inp_bound, config.forward.out_bound = 1.0, 10.0
    config.forward.out_noise = out_noise
    config.forward.inp_noise = config.forward.w_noise = 0.0
    config.forward.bound_management = BoundManagementType.NONE
    config.forward.noise_management = NoiseManagementType.NONE
    config.mapping.weight_scaling_omega = 1.0
    config.mapping.weight_scaling_columnwise = True
    config.mapping.max_input_size = config.mapping.max_output_size = 512
    config.pre_post.input_range.enable = True
    config.pre_post.input_range.init_value = RANGE
    config.pre_post.input_range.init_from_data = 0
    config.pre_post.input_range.learn_input_range = False
    peer: nn.Module = convert_to_analog(layer, config)
    return peer


def _ours(layer: nn.Module) -> nn.Module:
    net = hwsim.to_analog(layer, hwsim.preset("ideal-8bit"))
    net.input_range.data.fill_(RANGE)
    return net


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    return nn.Linear(150, 40)


def _step(layer: nn.Linear) -> torch.Tensor:
    return RANGE * layer.weight.detach().abs().amax(1) * 10 / 127


def test_noise_free_outputs_are_the_same(layer: nn.Linear) -> None:
    x = torch.randn(64, 150, generator=torch.Generator().manual_seed(1))
    difference = ((_peer(layer).eval()(x) - _ours(layer)(x)) / _step(layer)).abs()
    assert (difference < 1e-3).float().mean() > 0.999
    assert difference.max() < 1.01


def test_noise_free_convolutions_are_the_same() -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    conv = nn.Conv2d(6, 9, 3, stride=2, padding=1)
    x = torch.randn(4, 6, 11, 11, generator=torch.Generator().manual_seed(1))
    step = RANGE * conv.weight.detach().flatten(1).abs().amax(1)[:, None, None] * 10 / 127
    difference = ((_peer(conv).eval()(x) - _ours(conv)(x)) / step).abs()
    assert (difference < 1e-3).float().mean() > 0.999


def test_output_noise_is_equally_strong(layer: nn.Linear) -> None:
    torch.manual_seed(1)  # the peer draws from torch's global generator
    x = torch.randn(1, 150, generator=torch.Generator().manual_seed(1)).expand(8000, -1)
    net = hwsim.to_analog(layer, hwsim.preset("pcm-analognas"))
    net.input_range.data.fill_(RANGE)
    net.execution = Execution(noise=NoiseStream(NoisePool(torch.Generator().manual_seed(0)), 5))
    ours, theirs = (model(x).detach().std(0) / _step(layer) for model in (net, _peer(layer, 0.04).eval()))
    assert ours.mean().item() == pytest.approx(theirs.mean().item(), rel=0.02)


def test_straight_through_gradients_are_the_same(layer: nn.Linear) -> None:
    gradients = []
    for model in (_peer(layer).train(), _ours(layer)):
        x = torch.randn(64, 150, generator=torch.Generator().manual_seed(1)).requires_grad_()
        model(x).square().sum().backward()
        bias = dict(model.named_parameters())
        name = next(key for key in bias if key.endswith("bias"))
        gradients.append((x.grad, bias[name].grad))
    for theirs, ours in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max()))


@pytest.mark.parametrize("g_us", [0.0, 5.0, 25.0])
def test_a_device_programs_drifts_and_reads_alike(g_us: float) -> None:
    from aihwkit.inference import PCMLikeNoiseModel

    torch.manual_seed(1)  # the peer draws from torch's global generator
    model: Any = PCMLikeNoiseModel()
    target = torch.full((200_000,), g_us)
    programmed = model.apply_programming_noise_to_conductance(target)
    nu = model.generate_drift_coefficients(target)
    theirs = model.apply_drift_noise_to_conductance(programmed, nu, 86_400.0)
    device = Pcm()
    state = device.program(target, torch.Generator().manual_seed(0))
    ours = device.read(state, 86_400.0, torch.Generator().manual_seed(1))
    assert ours.mean().item() == pytest.approx(theirs.mean().item(), rel=0.01)
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.015)
