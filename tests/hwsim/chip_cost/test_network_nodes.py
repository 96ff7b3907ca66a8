"""The nodes of torch networks."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import hwsim
from hwsim.chip_cost.network_nodes import Traced, network_nodes
from hwsim.hardware import TileSpec


def traced(net: nn.Module, *shape: int, **options: Any) -> Traced:
    return network_nodes(net, None, shape, options.pop("tile", TileSpec()), **options)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 8, 3, padding=1, stride=2)
        self.skip = nn.Conv2d(4, 8, 1, stride=2)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.first(x))
        x = functional.relu(self.norm(self.second(x) + self.skip(x)))
        return self.head(x.mean(dim=(2, 3)))


def test_a_residual_network_is_a_graph() -> None:
    found = traced(Residual(), 4, 8, 6)
    nodes = dict(zip(found.names, found.nodes, strict=True))
    assert found.names == ("first", "second", "skip", "addition 1", "pooling 1", "head")
    assert [node[:4] for node in found.nodes] == [
        (36, 4, 1, 48),
        (36, 8, 1, 12),
        (4, 8, 1, 12),
        (0, 8, 1, 12),
        (0, 8, 1, 1),
        (8, 10, 1, 1),
    ]
    assert nodes["first"].sources == ()
    assert (nodes["second"].sources, nodes["second"].needs) == ((0,), (1 * 6 + 1 + 1,))
    assert (nodes["skip"].sources, nodes["skip"].needs) == ((0,), (1,))
    assert (nodes["addition 1"].sources, nodes["addition 1"].needs) == ((1, 2), (1, 1))
    assert nodes["addition 1"].operations == 8 * 12
    assert (nodes["pooling 1"].sources, nodes["pooling 1"].needs) == ((3,), (12,))
    assert nodes["pooling 1"].operations == 8 * 12
    assert (nodes["head"].sources, nodes["head"].needs) == ((4,), (1,))
    assert not found.digital_macs
    assert found.largest_activations == 4 * 48 + 4 * 48


@pytest.mark.parametrize(
    ("layer", "need"),
    [
        (nn.Conv2d(3, 2, 3), 2 * 9 + 2 + 1),
        (nn.Conv2d(3, 2, 3, padding=1), 9 + 1 + 1),
        (nn.Conv2d(3, 2, 3, padding="same", dilation=2), 2 * 9 + 2 + 1),
        (nn.Conv2d(3, 2, (1, 5), padding=(0, 2)), 2 + 1),
        (nn.Conv2d(3, 2, 1), 1),
        (nn.AvgPool2d(2), 9 + 1 + 1),
        (nn.MaxPool2d(3, stride=2, padding=1), 9 + 1 + 1),
        (nn.AdaptiveAvgPool2d(1), 7 * 9),
        (nn.Flatten(), None),
    ],
)
def test_a_window_waits_for_the_rows_that_it_covers(layer: nn.Module, need: int | None) -> None:
    last = nn.LazyConv2d(4, 1) if need is not None else nn.LazyLinear(4)
    net = nn.Sequential(nn.Conv2d(1, 3, 1), layer, last)
    net(torch.zeros(1, 1, 7, 9))
    found = traced(net, 1, 7, 9)
    assert found.nodes[1].needs == (7 * 9 if need is None else need,)


def test_groups_one_dimension_and_tokens() -> None:
    assert traced(nn.Conv2d(6, 12, 3, groups=6), 6, 5, 5).nodes[0][:4] == (54, 12, 6, 9)
    assert traced(nn.Sequential(nn.Conv1d(2, 4, 3), nn.Conv1d(4, 4, 3)), 2, 10).nodes[1][:4] == (12, 4, 1, 6)
    assert traced(nn.Sequential(nn.Conv1d(2, 4, 3), nn.Conv1d(4, 4, 3)), 2, 10).nodes[1].needs == (3,)
    tokens = traced(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 3)), 20, 8)
    assert [node[3] for node in tokens.nodes] == [20, 20]
    assert tokens.nodes[1].needs == (1,)


def test_what_stays_digital_is_counted() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(36, 5))
    found = traced(net, 1, 5, 5, digital_layers="2")
    assert dict(found.digital_macs) == {"2": 180}
    assert [node.rows for node in found.nodes] == [9, 0]
    everything = hwsim.cost(net, "hermes-64core", input_shape=(1, 5, 5), digital_layers="0")
    assert everything.to_json()["digital_macs"] == {"0": 9 * 36}
    assert any("324 MACs of digital layers" in text for text in everything.excluded)


def test_a_layer_that_runs_twice_holds_its_weights_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(self.layer(x))

    found = traced(Twice(), 4)
    assert [node[:4] for node in found.nodes] == [(4, 4, 1, 2)]
    assert found.notes == ("layers that run several times in an inference: layer",)
    assert "several times" in str(hwsim.cost(Twice(), "aon-cim", input_shape=(4,)))


def test_control_flow_that_no_graph_shows_is_followed() -> None:
    class Choice(Residual):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x if float(self.head.bias.sum()) > 1e9 else -x)

    assert traced(Choice(), 4, 8, 6).nodes == traced(Residual(), 4, 8, 6).nodes


def test_an_analog_network_has_the_nodes_of_its_digital_one() -> None:
    net = Residual()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    chip = hwsim.chip("hermes-64core")
    assert chip.hardware is not None
    analog = hwsim.to_analog(net, chip.hardware)
    assert traced(analog, 4, 8, 6, tile=chip.tile).nodes == traced(net, 4, 8, 6).nodes
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert net.training
    with pytest.raises(ValueError, match=r"layer `first`.*tiles of 1024 × 512, got 256 × 256"):
        hwsim.cost(analog, "aon-cim", input_shape=(4, 8, 6))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hwsim.cost(Residual(), "aon-cim"), "`input_shape` must be given"),
        (
            lambda: hwsim.cost(Residual(), "aon-cim", input_shape=(3, 8, 8)),
            r"inputs must be `\(batch, 4, height, width\)`, got \(1, 3, 8, 8\)",
        ),
        (lambda: hwsim.cost(nn.ReLU(), "aon-cim", input_shape=(3,)), "a layer that can be analog"),
        (
            lambda: traced(nn.Conv2d(1, 4, 5), 1, 9, 9, tile=TileSpec(rows=16, columns=16)),
            "`tile.rows` must hold the 5 × 5 kernel.*25 rows, got 16",
        ),
    ],
)
def test_what_cannot_be_followed_is_one_line(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
