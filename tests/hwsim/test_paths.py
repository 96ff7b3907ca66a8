"""Compiled and plain paths give equal results with everything that a network may have learned or been given."""

import pytest
import torch
from torch import nn

import hwsim
from hwsim.fused.executor import FusedNetwork, Worker
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels
from hwsim.modules import NOMINAL
from hwsim.noise import NoisePool, NoiseStream

pytestmark = pytest.mark.skipif(kernels.library() is None, reason="no C compiler builds the kernels")

CHANGES = {
    "static": {},
    "dynamic": {"converters.input_scaling": "dynamic"},
    "input-noise": {"mvm.input_noise": 0.02},
    "column": {"compensation.kind": "column", "compensation.readout": "mvm"},
}


def _trained(changes: dict[str, object]) -> tuple[nn.Module, torch.Tensor, list[torch.Tensor]]:
    """A network after three steps that learn ranges and scales, its inputs, and the last gradients."""
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 3, stride=2), nn.Flatten(),
        nn.Linear(45, 4),
    )  # fmt: skip
    hardware = hwsim.preset("pcm-rasch2023").replace({**changes, "tile.rows": 20, "tile.columns": 3})
    net = hwsim.to_analog(model, hardware)
    x = torch.randn(6, 3, 9, 9, generator=torch.Generator().manual_seed(1))
    hwsim.calibrate(net, [x], method="std", n_std=1.5)  # clips inputs
    generator = torch.Generator().manual_seed(2)
    hwa = hwsim.HwaTraining(
        net, generator=generator, learn_ranges=net[0].hardware.needs_input_range, learn_scales=True
    )
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.01)
    for _ in range(3):
        optimizer.zero_grad()
        with hwa.step():
            net(x).square().mean().backward()
        optimizer.step()
        hwa.after_update()
    return net.eval(), x, [p.grad for p in net.parameters() if p.grad is not None]


@pytest.mark.parametrize("name", CHANGES)
def test_learned_ranges_and_scales_are_equal_in_both_paths(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, x, gradients = _trained(CHANGES[name])
    assert not torch.equal(net[3].output_scale, torch.ones_like(net[3].output_scale))
    chips = hwsim.program(net, n=1)
    reading, noise = chips.at(3600.0, 0), NoiseStream(NoisePool(torch.Generator().manual_seed(0)), key=5)
    with torch.no_grad():
        worker = Worker(FusedNetwork(chips, Inputs((x[:1],))))
        worker.load(reading, noise)
        fused = worker(Inputs((x,)), 0)
        for index, (layer_name, layer) in enumerate(chips.layers.items()):
            layer.execution = reading.execution(layer_name, noise.child(index), 0)
        monkeypatch.setattr(kernels, "library", lambda: None)
        plain = chips.net(x)
        for layer in chips.layers.values():
            layer.execution = NOMINAL
    scale = plain.abs().max()
    # a sum rounded differently may fall on the other side of a converter's step, rarely
    assert (fused - plain).abs().median() <= 1e-4 * scale
    assert (fused - plain).abs().max() <= 0.03 * scale
    _, _, others = _trained(CHANGES[name])  # the same training without a compiler
    assert len(gradients) == len(others)
    for found, expected in zip(gradients, others, strict=True):
        assert (found - expected).abs().max() <= 0.05 * expected.abs().max()
