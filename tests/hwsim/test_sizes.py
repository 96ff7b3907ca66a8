import math
from collections.abc import Callable
from contextlib import suppress

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim.fused.executor import FusedNetwork
from hwsim.fused.sizes import UnfusableError
from hwsim.fused.tracing import traced
from hwsim.kernels import library as kernels

pytestmark = pytest.mark.skipif(kernels.library() is None, reason="no C compiler builds the kernels")


class Deciding(nn.Module):
    """A convolution, a linear layer, and between them whatever is asked."""

    def __init__(self, between: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.layer, self.norm, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Linear(8, 5)
        self.between = between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.between(F.relu(self.norm(self.layer(x)))).mean((2, 3)))


def _asserted(h: torch.Tensor) -> torch.Tensor:
    assert h.shape[-2:] == (8, 8), "images of another size"
    assert h.dim() == 4 and len(h.shape) == 4 and h.dtype == torch.float32
    return h


def _pooled_where_large(h: torch.Tensor) -> torch.Tensor:
    while h.size(-1) > 2:
        h = F.max_pool2d(h, 2)
    return h


def _channel_by_channel(h: torch.Tensor) -> torch.Tensor:
    return torch.stack([h[:, channel] * (channel - 3) for channel in range(h.shape[1])], 1)


def _square(h: torch.Tensor) -> torch.Tensor:
    n, channels, *place = h.shape
    side = int(math.sqrt(place[0] * place[1]))
    return h.flatten(2).reshape(n, channels, side, side) / float(side)


def _as_large_as_all(h: torch.Tensor) -> torch.Tensor:
    return h if h.shape.numel() == h.shape[0] * 8 * 8 * 8 else -h


def _for_large_batches(h: torch.Tensor) -> torch.Tensor:
    return -h if h.shape[0] > 1000 else h


def _by_numbers(h: torch.Tensor) -> torch.Tensor:
    return -h if h.sum() > 1e9 else h


def _by_one_number(h: torch.Tensor) -> torch.Tensor:
    return -h if float(h.amax()) > 1e9 else h


def _for_seven_images(h: torch.Tensor) -> torch.Tensor:
    return -h if h.shape[0] == 7 else h


def _where_large(h: torch.Tensor) -> torch.Tensor:
    large = (h.amax((1, 2, 3)) > 1e3).nonzero()[:, 0]
    return h if large.shape[0] == 0 else h.index_add(0, large, -4 * h[large])


def _by_a_mask(h: torch.Tensor) -> torch.Tensor:
    return h if h[h > 1e3].numel() == 0 else -h


def _first_of_some(h: torch.Tensor) -> torch.Tensor:
    return h if h[:, : h.amax().clamp(1, 8).long().item()].shape[1] < 9 else -h


def _rearranged(h: torch.Tensor) -> torch.Tensor:
    h = h[:, torch.arange(7, -1, -1)]
    return h if h.shape[1] == 8 else -h


def _net(between: Callable[[torch.Tensor], torch.Tensor]) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    x = torch.randn(100, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(Deciding(between), hwsim.preset("pcm-rasch2023")).eval()
    hwsim.calibrate(net, [x])
    return net, x


@pytest.mark.parametrize(
    "between", [_asserted, _pooled_where_large, _channel_by_channel, _square, _as_large_as_all, _rearranged]
)
def test_what_is_decided_by_sizes_is_compiled(between, monkeypatch) -> None:
    net, x = _net(between)
    chips = hwsim.program(net, 2)
    assert FusedNetwork(chips, x[:1]).plan
    y = net(x).argmax(1)
    compiled = hwsim.accuracy_over_time(chips, x, y, [1, 86_400]).accuracy
    with monkeypatch.context() as patch:
        patch.setattr("hwsim.drift.FusedNetwork", _refuses)
        layers = hwsim.accuracy_over_time(chips, x, y, [1, 86_400]).accuracy
    assert abs(compiled - layers).max() <= 0.01  # one image, whose sum is on the other side of a step


def _refuses(*_: object) -> None:
    raise UnfusableError("not today")


@pytest.mark.parametrize(
    "between",
    [
        _for_large_batches,
        _for_seven_images,
        _by_numbers,
        _by_one_number,
        _where_large,
        _by_a_mask,
        _first_of_some,
    ],
)
def test_what_differs_from_batch_to_batch_is_not(between) -> None:
    net, x = _net(between)
    with pytest.raises(UnfusableError, match=r"number of images|numbers in tensors|no size"):
        traced(net, x[:1])


def test_decisions_do_not_part_what_runs_as_one() -> None:
    steps = []
    for between in (_asserted, lambda h: h):
        net, x = _net(between)
        steps.append(len(FusedNetwork(hwsim.program(net, 1), x[:1]).plan.steps))
    assert steps[0] == steps[1]


def test_a_transformer_is_compiled() -> None:
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 16, 4, 4)
            layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.last = nn.Linear(16, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.encoder(self.patches(x).flatten(2).transpose(1, 2)).mean(1))

    torch.manual_seed(0)
    x = torch.randn(50, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    hardware = hwsim.preset("ideal-8bit")
    net = hwsim.to_analog(Encoder(), hardware, digital_layers=[nn.MultiheadAttention]).eval()
    hwsim.calibrate(net, [x])
    chips = hwsim.program(net, 1)
    assert FusedNetwork(chips, x[:1]).plan
    assert hwsim.accuracy_over_time(chips, x, net(x).argmax(1), 1).mean >= 0.98


def test_tracing_leaves_nothing_in_a_network() -> None:
    class Remembering(nn.Module):
        """Keeps the positions of a size, as attention with relative positions does."""

        def __init__(self) -> None:
            super().__init__()
            self.layer, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 5)
            self.positions: dict[str, torch.Tensor] = {}

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = F.relu(self.layer(x))
            if "positions" not in self.positions:
                self.positions["positions"] = h[:1].detach() * 0 + 0.5
            return self.last((h + self.positions["positions"]).mean((2, 3)))

    x = torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(Remembering(), hwsim.preset("ideal-8bit")).eval()
    hwsim.calibrate(net, [x])
    y = net(x).argmax(1)
    net.positions.clear()
    chips = hwsim.program(net, 1)
    with suppress(UnfusableError):
        FusedNetwork(chips, x[:1])
    assert all(isinstance(value, torch.Tensor) for value in chips.net.positions.values()), "no proxies"
    assert hwsim.accuracy_over_time(chips, x, y, 1).mean >= 0.95
