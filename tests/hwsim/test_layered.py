"""Networks that no stages are made of run layer by layer, one chip a thread."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim.fused.tracing import UnfusableError, traced
from hwsim.inputs import Inputs


class Deciding(nn.Module):
    """A convolution, a linear layer, and between them whatever is asked."""

    def __init__(self, between: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.layer, self.norm, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Linear(8, 5)
        self.between = between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.between(F.relu(self.norm(self.layer(x)))).mean((2, 3)))


def _pooled_where_large(h: torch.Tensor) -> torch.Tensor:
    while h.size(-1) > 2:
        h = F.max_pool2d(h, 2)
    return h


def _channel_by_channel(h: torch.Tensor) -> torch.Tensor:
    return torch.stack([h[:, channel] * (channel - 3) for channel in range(h.shape[1])], 1)


def _by_numbers(h: torch.Tensor) -> torch.Tensor:
    return -h if h.sum() > 1e9 else h


def _by_how_many(h: torch.Tensor) -> torch.Tensor:
    return -h if h.shape[0] > 1000 else h


def _assigned(h: torch.Tensor) -> torch.Tensor:
    h = h.clone()
    h[:, 0] = 0
    return h


def _net(between: Callable[[torch.Tensor], torch.Tensor]) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    x = torch.randn(100, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(Deciding(between), hwsim.preset("pcm-rasch2023")).eval()
    hwsim.calibrate(net, [x])
    return net, x


@pytest.mark.parametrize(
    "between", [_pooled_where_large, _channel_by_channel, _by_numbers, _by_how_many, _assigned]
)
def test_what_decides_while_it_runs_is_classified_layer_by_layer(between) -> None:
    net, x = _net(between)
    with pytest.raises(UnfusableError):
        traced(net, Inputs((x[:1],)))
    y = net(x).argmax(1)
    assert hwsim.accuracy_over_time(hwsim.program(net, 2), x, y, 1).mean[0] > 0.5


def test_curves_do_not_depend_on_threads_or_batches() -> None:
    net, x = _net(_by_numbers)
    chips, y = hwsim.program(net, 5), net(x).argmax(1)
    before, curves = torch.get_num_threads(), []
    try:
        for threads, batch_size in ((1, 512), (3, 512), (2, 33)):
            torch.set_num_threads(threads)
            curve = hwsim.accuracy_over_time(chips, x, y, [1.0, 86_400.0], batch_size=batch_size)
            curves.append(curve.accuracy)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(curves[0], curves[1])
    assert abs(curves[2] - curves[0]).max() <= 0.01  # one image, whose sum is on the other side of a step


def test_statistics_of_one_chip_stay_out_of_the_others() -> None:
    net, x = _net(_by_numbers)
    chips, y = hwsim.program(net, 4), net(x).argmax(1)
    before, curves = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            curves.append(hwsim.accuracy_over_time(chips, x, y, [1.0, 3e7], adabs_inputs=x[:50]).accuracy)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(*curves)
    assert torch.equal(chips.net.norm.running_mean, net.norm.running_mean)


def test_a_pass_holds_fewer_images_where_activations_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = _net(_by_numbers)
    chips, y, seen = hwsim.program(net, 1), net(x).argmax(1), []
    wanted = hwsim.accuracy_over_time(chips, x, y, 1.0)
    chips.net.norm.register_forward_hook(lambda _norm, inputs, _outputs: seen.append(len(inputs[0])))
    monkeypatch.setattr("hwsim.layered.PASS_ELEMENTS", 30 * 8 * 8 * 8)
    found = hwsim.accuracy_over_time(chips, x, y, 1.0)
    assert seen[-4:] == [25, 25, 25, 25]
    assert abs(found.accuracy - wanted.accuracy).max() <= 0.01
