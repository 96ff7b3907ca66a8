"""The nodes of torch networks."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import hwsim
from hwsim.chip_cost.digital_layers import DigitalLayer
from hwsim.chip_cost.network_nodes import Traced, network_nodes
from hwsim.hardware import TileSpec
from tests.hwsim.chip_cost.own_chip import own_chip


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
    assert not found.digital
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
    assert found.digital == (DigitalLayer("2", "Linear", 180, 180, "kept digital"),)
    assert [node.rows for node in found.nodes] == [9, 0]
    everything = hwsim.cost(net, "hermes-64core", input_shape=(1, 5, 5), digital_layers="0")
    assert everything.to_json()["digital_macs"] == {"0": 9 * 36}
    assert any("324 MACs of digital layers" in text for text in everything.excluded)


class Words(nn.Module):
    """A look-up, an LSTM, attention of its own and a gate around one analog layer."""

    def __init__(self) -> None:
        super().__init__()
        self.look_up = nn.Embedding(50, 6)
        self.lstm = nn.LSTM(6, 5, batch_first=True)
        self.norm = nn.LayerNorm(5)
        self.gate = nn.Parameter(torch.ones(7, 1))
        self.head = nn.Linear(5, 3)
        self.kept = nn.Linear(3, 2)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.lstm(self.look_up(words))[0]) * self.gate
        return self.kept(self.head((x @ x.transpose(1, 2)) @ x))


def test_every_layer_that_stays_digital_has_a_row_with_its_weights_and_products() -> None:
    words = torch.zeros(1, 7, dtype=torch.long)
    mac = own_chip().digital.mac
    assert mac is not None
    found = hwsim.cost(Words(), own_chip(), words, digital_layers=["lstm", "kept"])
    assert found.digital == (
        DigitalLayer("Words", "Words", 7, 2 * 7 * 7 * 5, "parameters of its own"),
        DigitalLayer("look_up", "Embedding", 300, 0, "look-up"),
        DigitalLayer("lstm", "LSTM", 4 * 5 * (6 + 5), 7 * 4 * 5 * (6 + 5), "kept digital"),
        DigitalLayer("kept", "Linear", 6, 7 * 6, "kept digital"),
    )
    rows = {row.name: row for row in found.rows}
    for layer in found.digital:
        row = rows[layer.name]
        assert (row.matrix, row.digital_weights, row.digital_macs) == ("digital", layer.weights, layer.macs)
        assert row.total_fj == round(layer.macs * mac.si * 1e15)
    assert [row.name for row in found.rows].count("kept") == 1
    assert rows["head"].digital_weights == rows["head"].digital_macs == 0
    assert sum(row.total_fj for row in found.rows) == sum(found.energy_fj.values())
    assert "norm" not in rows
    assert (
        "digital  533 weights and 2,072 MACs stay digital: Words (Words, parameters of its own): 7 and 490; "
        in (str(found))
    )
    content = found.to_json()
    assert [layer["name"] for layer in content["digital_layers"]] == ["Words", "look_up", "lstm", "kept"]
    assert content["digital_macs"] == {"Words": 490, "lstm": 1540, "kept": 42}
    analog = hwsim.to_analog(
        Words(),
        hwsim.Hardware().replace({"tile": own_chip().tile.model_dump()}),
        digital_layers=["lstm", "kept"],
    )
    assert hwsim.cost(analog, own_chip(), words).digital == found.digital


class Recurrent(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.first, self.layer, self.last = nn.Linear(6, 6), layer, nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        if isinstance(self.layer, nn.MultiheadAttention):
            return self.last(self.layer(query=x, key=x, value=x)[0])
        return self.last(self.layer(x)[0])


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (nn.LSTM(6, 6, batch_first=True), 7 * 4 * 72),
        (nn.GRU(6, 6, batch_first=True), 7 * 3 * 72),
        (nn.RNN(6, 6, batch_first=True), 7 * 72),
        (nn.MultiheadAttention(6, 1, batch_first=True), 7 * 4 * 36 + 2 * 7 * 7 * 6),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_recurrent_layer_that_stays_digital_is_one_row_and_what_follows_waits_for_all_before(
    layer: nn.Module, macs: int
) -> None:
    found = traced(Recurrent(layer), 7, 6, digital_layers="layer")
    assert found.names == ("first", "last")
    assert (found.nodes[1].sources, found.nodes[1].needs) == ((0,), (7,))
    assert [(one.name, one.macs) for one in found.digital] == [("layer", macs)]


def test_a_network_of_half_precision_says_why_nothing_can_be_analog() -> None:
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(36, 5)).to(kind)
        with pytest.raises(
            ValueError, match=r"got none: `0` cannot be, weights must be float32, call model.float\(\)$"
        ):
            hwsim.cost(net, "aon-cim", input_shape=(1, 5, 5))
    with pytest.raises(ValueError, match="`Linear` cannot be, weights must be float32"):
        hwsim.cost(nn.Linear(4, 3).half(), "aon-cim", input_shape=(4,))


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
