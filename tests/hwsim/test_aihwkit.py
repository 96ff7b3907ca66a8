"""Parity with aihwkit's torch tile, where it is installed (optional extra `peers`).

Deliberate differences, each with its reason:

- Both devices of a pair live on their own here; there their difference does. `pairs: collapsed` is compared.
- Before it drifts, aihwkit maps the largest programmed weight to g_max again, so that every device counts as a little
  lower than it is and gets a few percent more 1/f noise; here g_max stays what the hardware says.
- CMO devices stay in their range at each step here, at the end there: compared away from the ends.
- Gradients of weights are those of the digital weights W here, of W / γ divided by γ² there.
- A learned input range has the gradient of the straight-through surrogate here, and decays after the update; there it
  only grows by its gradient, and decays through the optimiser's learning rate.
- Weights are clipped in the layer's own units here, after column scaling there.
- Read noise, IR drop and S-shape exist in its compiled tile only, which does not accept the weights of torch 2.13;
  tiles that share rows share one input range here.
"""

from typing import Any

import pytest
import torch
from torch import nn

import hwsim
from hwsim.devices import PUBLISHED_DEVICES, Pcm
from hwsim.modules import Execution
from hwsim.noise import NoisePool, NoiseStream

pytest.importorskip("aihwkit", reason="aihwkit is not installed (optional extra `peers`)")
pytestmark = pytest.mark.filterwarnings("default")  # its warnings are not ours

RANGE = 2.5


def _peer(
    layer: nn.Module, out_noise: float = 0.0, inp_noise: float = 0.0, weight_noise: float = 0.0
) -> nn.Module:
    from aihwkit.inference import GlobalDriftCompensation, PCMLikeNoiseModel
    from aihwkit.nn.conversion import convert_to_analog
    from aihwkit.simulator.configs import TorchInferenceRPUConfig
    from aihwkit.simulator.configs.utils import (
        BoundManagementType,
        NoiseManagementType,
        WeightModifierType,
    )

    config: Any = TorchInferenceRPUConfig()
    config.forward.inp_res = config.forward.out_res = 1 / 254
    config.forward.inp_bound, config.forward.out_bound = 1.0, 10.0
    config.forward.out_noise = out_noise
    config.forward.inp_noise, config.forward.w_noise = inp_noise, 0.0
    if weight_noise:
        config.modifier.type, config.modifier.std_dev = WeightModifierType.ADD_NORMAL, weight_noise
    config.noise_model, config.drift_compensation = PCMLikeNoiseModel(g_max=25.0), GlobalDriftCompensation()
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


def test_input_noise_is_equally_strong(layer: nn.Linear) -> None:
    torch.manual_seed(1)  # the peer draws from torch's global generator
    x = torch.randn(1, 150, generator=torch.Generator().manual_seed(1)).expand(8000, -1)
    net = hwsim.to_analog(layer, hwsim.preset("ideal-8bit").replace({"mvm.input_noise": 0.02}))
    net.input_range.data.fill_(RANGE)
    net.execution = Execution(noise=NoiseStream(NoisePool(torch.Generator().manual_seed(0)), 5))
    peer = _peer(layer, inp_noise=0.02).eval()
    ours, theirs = (model(x).detach().std(0) / _step(layer) for model in (net, peer))
    assert ours.mean().item() == pytest.approx(theirs.mean().item(), rel=0.02)


@pytest.mark.parametrize("weight_noise", [0.0, 0.1])
def test_gradients_of_hardware_aware_training_are_the_same(layer: nn.Linear, weight_noise: float) -> None:
    """Straight through the converters, with the same noise on the weights forward and backward."""
    gradients = []
    scale = layer.weight.detach().abs().amax(1, keepdim=True)
    peer, ours = _peer(layer, weight_noise=weight_noise).train(), _ours(layer)
    noise = torch.randn(40, 150, generator=torch.Generator().manual_seed(5))
    ours.execution = Execution(weight_noise=weight_noise * scale * noise)
    for model in (peer, ours):
        x = torch.randn(64, 150, generator=torch.Generator().manual_seed(1)).requires_grad_()
        torch.manual_seed(5)  # the peer draws the same noise from torch's global generator
        model(x).square().sum().backward()
        named = {name.rpartition(".")[2]: parameter.grad for name, parameter in model.named_parameters()}
        gradients.append((x.grad, named["bias"], named["weight"] * (scale if model is peer else 1)))
    for theirs, found in zip(*gradients, strict=True):
        torch.testing.assert_close(found, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max()))


TIMES_S = (0.0, 3600.0, 86_400.0, 31_536_000.0)
CHIPS = 5


def test_programmed_tiles_drift_and_are_compensated_alike() -> None:
    """Mean compensation factor, and error of a whole MVM, over programmed tiles."""
    torch.manual_seed(0)  # the peer draws from torch's global generator
    layer = nn.Linear(128, 128)
    x = 2 * torch.rand(256, 128, generator=torch.Generator().manual_seed(1)) - 1
    with torch.no_grad():
        layer.weight.normal_(0, 0.246).clamp_(-1, 1)
        ideal = layer(x)
    changes = {"pairs": "collapsed", "compensation.readout": "mvm"}
    net = hwsim.to_analog(layer, hwsim.preset("pcm-analognas").replace(changes))
    net.input_range.data.fill_(RANGE)
    chips, pool = hwsim.program(net, n=CHIPS), NoisePool(torch.Generator().manual_seed(0))
    found = torch.zeros(2, 2, len(TIMES_S))
    for chip in range(CHIPS):
        peer: Any = _peer(layer, 0.04).eval()
        peer.program_analog_weights()
        for row, t_s in enumerate(TIMES_S):
            peer.drift_analog_weights(t_s)
            reading = chips.at(t_s, chip)
            chips.net.execution = reading.execution("", NoiseStream(pool, chips.mvm_key(t_s, chip)), 0)
            factors = reading.compensation[""].mean(), peer.analog_module.alpha.mean()
            for model, (outputs, factor) in enumerate(zip((chips.net(x), peer(x)), factors, strict=True)):
                error = (outputs - ideal).norm() / ideal.norm()
                found[:, model, row] += torch.stack([factor, error]).detach() / CHIPS
    (factor, their_factor), (error, their_error) = found
    torch.testing.assert_close(factor, their_factor, rtol=0.005, atol=0)
    torch.testing.assert_close(error, their_error, rtol=0.04, atol=0)
    assert (error < their_error).all()  # the second of the named differences


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


OTHERS = [
    *(("hermes-1", g_us, t_s) for g_us in (0.0, 1.0, 5.0, 10.35) for t_s in (0.0, 86_400.0)),
    *(("hermes-2", g_us, t_s) for g_us in (0.0, 1.0, 10.0, 20.7) for t_s in (0.0, 86_400.0)),
    *(("reram-wan2022", g_us, t_s) for g_us in (0.0, 5.0, 20.0, 40.0) for t_s in (1.0, 86_400.0, 172_800.0)),
    *(("reram-cmo", g_us, t_s) for g_us in (12.0, 50.0, 80.0) for t_s in (1.0, 86_400.0)),
]


@pytest.mark.parametrize(("name", "g_us", "t_s"), OTHERS)
def test_the_other_devices_have_the_same_statistics(name: str, g_us: float, t_s: float) -> None:
    from aihwkit.inference.noise.hermes import HermesNoiseModel
    from aihwkit.inference.noise.reram import ReRamCMONoiseModel, ReRamWan2022NoiseModel

    models: dict[str, Any] = {
        "hermes-1": HermesNoiseModel(num_devices=1),
        "hermes-2": HermesNoiseModel(num_devices=2),
        "reram-wan2022": ReRamWan2022NoiseModel(g_max=40.0),
        "reram-cmo": ReRamCMONoiseModel(g_max=88.2, g_min=9.0, acceptance_range=2),
    }
    torch.manual_seed(1)  # the peer draws from torch's global generator
    model, target = models[name], torch.full((200_000,), g_us)
    programmed = model.apply_programming_noise_to_conductance(target)
    theirs = model.apply_drift_noise_to_conductance(
        programmed, model.generate_drift_coefficients(target), t_s
    )
    device = PUBLISHED_DEVICES[name].build()
    state = device.program(target, torch.Generator().manual_seed(0))
    ours = device.read(state, t_s, torch.Generator().manual_seed(1))
    assert ours.mean().item() == pytest.approx(theirs.mean().item(), rel=0.015)
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.015)
