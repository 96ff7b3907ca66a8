"""Networks on chips, data and a metric, for the tests of evaluation."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

import hwsim

TIMES = ("1 s", 86_400, "1 month")


def random_values(*size: int) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(size[-1]))


def random_classes(n: int, *size: int) -> torch.Tensor:
    return torch.randint(n, size, generator=torch.Generator().manual_seed(0))


def programmed(model: nn.Module, x: Any = None, n: int = 2) -> hwsim.Chips:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.reset_parameters()
    net = hwsim.to_analog(model, "pcm-analognas")
    if x is not None:
        hwsim.calibrate(net, x)
    for layer in net.modules():
        if isinstance(layer, hwsim.AnalogLinear | hwsim.AnalogConv2d) and x is None:
            layer.input_range.fill_(3.0)
    return hwsim.program(net, n=n)


X, Y = random_values(40, 4), random_classes(3, 40)


class Running:
    """A metric as torchmetrics has them."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def update(self, preds: torch.Tensor, target: torch.Tensor) -> None:
        self.calls.append("update")
        self.share = (preds.argmax(1) == target).float().mean()

    def compute(self) -> torch.Tensor:
        self.calls.append("compute")
        return self.share

    def reset(self) -> None:
        self.calls.append("reset")


class Pair(NamedTuple):
    scores: torch.Tensor
    features: torch.Tensor


STRUCTURES: dict[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Any]] = {
    "tuple": lambda x, h, y: (y, h),
    "list": lambda x, h, y: [y, h],
    "dict": lambda x, h, y: {"scores": y, "inner": {"features": h}},
    "named": lambda x, h, y: Pair(y, h),
    "with none": lambda x, h, y: (y, None, h),
    "with inputs": lambda x, h, y: (y, x, h),
}


class Structured(nn.Module):
    """Returns scores and features in a structure."""

    def __init__(self, structure: str) -> None:
        super().__init__()
        self.layer, self.last, self.structure = nn.Linear(4, 8), nn.Linear(8, 3), structure

    def forward(self, x: torch.Tensor) -> Any:
        h = F.relu(self.layer(x))
        return STRUCTURES[self.structure](x, h, self.last(h))


def classifier() -> hwsim.Chips:
    """Return two chips of a small classifier."""
    return programmed(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), X)
