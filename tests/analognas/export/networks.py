"""Networks of the kinds people search for, small and with non-trivial batch norm statistics."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Residual(nn.Module):
    def __init__(self, channels: int, branches: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
            )
            for _ in range(branches)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for branch in self.branches:
            y = y + branch(x)
        return torch.relu(y)


class ResidualNetwork(nn.Module):
    """Stem, two multi-branch residual blocks with a strided layer between, linear classifier."""

    def __init__(self, channels: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.blocks = nn.Sequential(Residual(8, 2), nn.Conv2d(8, 12, 1, stride=2), Residual(12, 1))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(12, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.stem(x))
        return self.head(torch.flatten(self.pool(x), 1))


class DepthwiseNetwork(nn.Module):
    """Grouped convolutions over time, functional pooling and a free parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(4, 8, 5, padding=2, groups=4)
        self.pointwise = nn.Conv1d(8, 6, 1)
        self.act = nn.Hardswish()
        self.scale = nn.Parameter(torch.full((1,), 1.5))
        self.register_buffer("shift", torch.full((6, 1), 0.25))
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool1d(self.act(self.depthwise(x)), kernel_size=2)
        x = self.pointwise(x) * self.scale - self.shift
        x = functional.dropout(x, 0.5, self.training)
        return self.head(self.dropout(x.mean(dim=-1)))


class Recurrent(nn.Module):
    """An LSTM over time steps; the last state is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 7, batch_first=True, bidirectional=True)
        self.head = nn.Linear(14, 3)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.lstm(x.transpose(1, 2))
        return self.head(y[:, -1, :])


class Colliding(nn.Module):
    """Paths that become equal, or no identifiers, when dots become underscores."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.ModuleDict({"b_c": nn.Linear(5, 5), "mean": nn.Linear(5, 5)})
        self.a_b = nn.ModuleDict({"c": nn.Linear(5, 5)})
        self.mean = nn.Linear(5, 5)
        self.steps = nn.ModuleDict({'x="); import os; quit() #': nn.Linear(5, 5), "for": nn.Linear(5, 5)})

    def forward(self, x: Tensor) -> Tensor:
        x = self.a_b["c"](self.a["b_c"](x)) + self.a["mean"](self.mean(x))
        for step in self.steps.values():
            x = step(x)
        return x


class Branching(nn.Module):
    """Decides by the values of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x) if bool(x.sum() >= 0) else self.head(-x)


def settled(network: nn.Module, *input_shape: int) -> nn.Module:
    """Return the network after some batches have moved its batch norm statistics, in evaluation mode."""
    generator = torch.Generator().manual_seed(0)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(16, *input_shape, generator=generator) * 2 + 1)
    return network.eval()
