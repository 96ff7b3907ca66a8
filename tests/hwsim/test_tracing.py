from contextlib import suppress

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim.fused.executor import FusedNetwork
from hwsim.fused.tracing import UnfusableError, traced
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels

pytestmark = pytest.mark.skipif(kernels.library() is None, reason="no C compiler builds the kernels")


class Optional(nn.Module):
    """Takes more than inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.last = nn.Linear(8, 8), nn.Linear(8, 5)

    def forward(
        self,
        x: torch.Tensor,
        scale: float = 1.0,
        mask: torch.Tensor | None = None,
        features: bool = False,
        *others: torch.Tensor,
        **options: float,
    ) -> torch.Tensor:
        h = F.relu(self.layer(x) * scale)
        if mask is not None:
            h = h * mask
        return h if features else self.last(h)


class Collecting(Optional):
    """Takes any number of inputs."""

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs[0])


@pytest.mark.parametrize("kind", [Optional, Collecting])
def test_only_the_first_argument_of_a_network_is_an_input(kind: type[nn.Module]) -> None:
    x = torch.randn(40, 8, generator=torch.Generator().manual_seed(0))
    net = hwsim.to_analog(kind(), hwsim.preset("floating-point")).eval()
    hwsim.calibrate(net, [x])
    chips = hwsim.program(net, 1)
    if kind is Optional:
        assert FusedNetwork(chips, Inputs((x[:1],))).plan, (
            "conditions on arguments are conditions on their defaults"
        )
    assert hwsim.accuracy_over_time(chips, x, net(x).argmax(1), 1).mean == 1.0


def test_what_no_image_makes_does_not_make_chunks_small() -> None:
    class Projected(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 5)
            self.register_buffer("projection", torch.randn(1 << 10, 1 << 10) / 32)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(F.linear(x, self.projection)[:, :8])

    net = hwsim.to_analog(Projected(), hwsim.preset("ideal-8bit"))
    x = torch.randn(3, 1 << 10, generator=torch.Generator().manual_seed(0))
    hwsim.calibrate(net, [x])
    assert FusedNetwork(hwsim.program(net, 1), Inputs((x[:1],))).chunk == 1 << 9


class Augmented(nn.Module):
    """Changes what it reads again."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self.layer, self.operation = nn.Linear(8, 8, bias=False), operation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = kept = self.layer(x)
        if self.operation == "+=":
            h += x
        elif self.operation == "-=":
            h -= x
        elif self.operation == "*=":
            h *= 2
        else:
            h /= 2
        return h + kept


@pytest.mark.parametrize("operation", ["+=", "-=", "*=", "/="])
def test_augmented_assignments_that_are_read_again_are_refused(operation: str) -> None:
    net = hwsim.to_analog(Augmented(operation), hwsim.preset("ideal-8bit")).eval()
    with pytest.raises(UnfusableError, match="something else"):
        traced(net, Inputs((torch.ones(1, 8),)))


def test_a_network_that_tracing_would_change_is_not_fused() -> None:
    net = hwsim.to_analog(nn.Sequential(nn.Linear(8, 8)), hwsim.preset("ideal-8bit")).eval()
    net.register_forward_hook(lambda module, inputs, output: -output)  # tracing does not call it
    with pytest.raises(UnfusableError, match="something else"):
        traced(net, Inputs((torch.ones(1, 8),)))


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
        FusedNetwork(chips, Inputs((x[:1],)))
    assert all(isinstance(value, torch.Tensor) for value in chips.net.positions.values()), "no proxies"
    assert hwsim.accuracy_over_time(chips, x, y, 1).mean >= 0.95
