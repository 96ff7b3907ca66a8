"""What of a network is analog: counted by hand, in every kind of layer that is silently digital."""

import json

import pytest
import torch
from torch import nn

import hwsim
from hwsim.multiplications import multiply_accumulates

HARDWARE = hwsim.preset("pcm-rasch2023").replace({"tile": {"rows": 16, "columns": 8}})


class Own(nn.Module):
    """Multiplies by a parameter of its own, which no tile knows."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(4, 4))
        self.bias = nn.Parameter(torch.zeros(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.einsum("bti,ij->btj", x, self.matrix) + self.bias


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 4)
        self.memory = nn.LSTM(4, 4, batch_first=True)
        self.own = Own()
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.norm(self.own(self.memory(self.table(x))[0]))
        return self.head((h @ h.mT @ h).mean(1))


STEPS = 7
WEIGHTS = {"table": 40, "memory": 2 * 16 * 4, "own": 16, "norm": 4, "head": 40}
MACS = {
    "": 2 * STEPS * STEPS * 4,
    "memory": STEPS * 128,
    "own": STEPS * 16,
    "head": 40,
    "table": 0,
    "norm": 0,
}


@pytest.mark.parametrize("analog", [False, True])
def test_every_layer_counts_with_its_reason_before_and_after_conversion(analog: bool) -> None:
    model, x = Words(), torch.arange(2 * STEPS).view(2, STEPS) % 10
    net = hwsim.to_analog(model, HARDWARE, digital_layers=nn.LSTM) if analog else model
    how = {} if analog else {"hardware": HARDWARE, "digital_layers": nn.LSTM}
    found = hwsim.summary(net, x, **how)
    assert {layer.name: layer.macs for layer in found.layers} == MACS
    assert {layer.name: layer.weights for layer in found.layers if layer.weights} == WEIGHTS
    assert {layer.name: layer.why_digital for layer in found.layers} == {
        "": "products of activations",
        "table": "look-up",
        "memory": "kept digital",
        "own": "parameters of its own",
        "norm": "norm",
        "head": "",
    }
    head = next(layer for layer in found.layers if layer.is_analog)
    assert (head.name, head.shape, head.tiles, head.utilisation) == ("head", (10, 4), 2, 40 / 256)
    assert (found.n_tiles, found.utilisation) == (2, 40 / 256)
    assert found.analog_share == 40 / sum(WEIGHTS.values())
    assert found.analog_share_of_macs == 40 / sum(MACS.values())
    assert hwsim.analog_share(net) == (found.analog_share if analog else 0.0)
    assert sum(layer.share_of_weights for layer in found.layers) == pytest.approx(1)


def test_a_layer_of_several_arrays_is_listed_array_by_array() -> None:
    x = torch.arange(2 * STEPS).view(2, STEPS) % 10
    on, net = hwsim.summary(Words(), x, hardware=HARDWARE), hwsim.to_analog(Words(), HARDWARE)
    found = {layer.name: (layer.macs, layer.weights) for layer in on.layers if layer.is_analog}
    arrays = {f"memory.l0.gates.{part}": (STEPS * 64, 64) for part in ("input", "hidden")}
    assert found == {**arrays, "head": (40, 40)}
    assert on.to_json() == hwsim.summary(net, x).to_json()
    refused = nn.Sequential(nn.Linear(4, 3), nn.Bilinear(3, 3, 2))
    why = [layer.why_digital for layer in hwsim.summary(refused, hardware=HARDWARE).layers]
    assert why == ["", "no analog counterpart"]


@pytest.mark.parametrize(
    ("model", "inputs", "expected"),
    [
        (nn.GRU(8, 16, batch_first=True), (3, 5, 8), 5 * 48 * 24),
        (nn.LSTM(8, 16, 2, bidirectional=True, batch_first=True), (3, 5, 8), 5 * 2 * 64 * (24 + 48)),
        (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (3, 5, 8), 5 * (4 * 64 + 2 * 128 + 2 * 5 * 8)),
        (nn.Sequential(nn.Conv2d(4, 8, 3, groups=4), nn.ReLU()), (2, 4, 6, 6), 16 * 8 * 9),
        (nn.ConvTranspose2d(4, 8, 3), (1, 4, 6, 6), 36 * 4 * 8 * 9),
    ],
)  # fmt: skip
def test_multiply_accumulates_are_those_of_one_input(model: nn.Module, inputs, expected: int) -> None:
    assert sum(multiply_accumulates(model, torch.ones(inputs)).values()) == expected


def test_a_convolution_on_split_tiles_multiplies_as_the_digital_one() -> None:
    model = nn.Sequential(nn.Conv2d(8, 6, 3, padding=1), nn.Flatten(), nn.Linear(96, 3))
    net = hwsim.to_analog(model, HARDWARE)  # it needs no calibration
    shape = (8, 4, 4)
    digital, analog = hwsim.summary(model, input_shape=shape), hwsim.summary(net, input_shape=shape)
    assert [layer.macs for layer in digital.layers] == [layer.macs for layer in analog.layers] == [6912, 288]
    assert (digital.analog_share, analog.analog_share) == (0.0, 1.0)
    assert analog.n_tiles == hwsim.tile_map(net).n_tiles
    assert analog.utilisation == hwsim.tile_map(net).utilisation


def test_weights_that_layers_share_count_once_and_on_tiles_in_each() -> None:
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10, bias=False))
    model[1].weight = model[0].weight
    assert [layer.weights for layer in hwsim.summary(model).layers] == [40, 0]
    assert hwsim.summary(model).layers[1].why_digital == "weights of another layer"
    assert hwsim.summary(model, hardware=HARDWARE).analog_share == 0.5
    assert hwsim.analog_share(hwsim.to_analog(model, HARDWARE)) == 0.5


def test_a_layer_that_cannot_become_analog_says_why() -> None:
    class Doubled(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    model = nn.Sequential(Doubled(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    found = hwsim.summary(model, hardware=HARDWARE, digital_layers="2")
    reasons = [layer.why_digital for layer in found.layers]
    assert "`forward` of its own" in reasons[0]
    assert reasons[1:] == ["", "kept digital"]


def test_hardware_by_layer_counts_in_a_preview() -> None:
    model = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 8))
    small = HARDWARE.replace({"tile": {"rows": 4, "columns": 4}})
    found = hwsim.summary(model, hardware=HARDWARE, layers={"1": small})
    assert [layer.tiles for layer in found.layers] == [1, 4]
    assert found.utilisation == 1.0


def test_tables_name_every_layer_and_json_holds_numbers() -> None:
    found = hwsim.summary(Words(), torch.zeros(1, STEPS, dtype=torch.long), hardware=HARDWARE)
    assert "MACs" in str(found).splitlines()[0]
    assert "MACs" not in str(hwsim.summary(Words()))
    assert found._repr_html_().count("<tr>") == len(found.layers) + 1
    assert f"{100 * found.analog_share:.1f} %" in repr(found)
    assert json.loads(json.dumps(found.to_json()))["layers"][1]["shape"] == [10, 4]
    assert list(found.to_frame()["name"]) == [layer.name for layer in found.layers]


def test_several_inputs_travel_as_a_tuple_or_by_name() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"sum": self.layer(a) + self.layer(b)}

    a, b = torch.ones(5, 3), torch.ones(5, 3).numpy()
    assert hwsim.summary(Two(), (a, b)).macs == hwsim.summary(Two(), {"b": b, "a": a}).macs == 12


def test_chips_of_a_network_that_is_mostly_digital_say_so() -> None:
    net = hwsim.to_analog(Words(), HARDWARE, digital_layers=nn.LSTM)
    share = 100 * hwsim.analog_share(net)
    assert f"analog: {share:.1f} % of the weights" in repr(hwsim.program(net, 1))
    assert "analog" not in repr(hwsim.program(hwsim.to_analog(nn.Linear(4, 2), HARDWARE), 1))


def test_curves_of_a_network_that_is_mostly_digital_say_so() -> None:
    net = nn.Sequential(nn.Linear(4, 40), nn.Linear(40, 2))
    x, y = torch.ones(3, 4), torch.zeros(3, dtype=torch.long)
    whole, half = (
        hwsim.evaluate(
            hwsim.program(hwsim.to_analog(net, "floating-point", digital_layers=kept), 1), (x, y), "1 s"
        )
        for kept in ((), ("0",))
    )
    assert half.analog_share == pytest.approx(80 / 240)
    assert repr(half).endswith(", analog: 33.3 % of the weights)")
    assert str(half).splitlines()[-1].split() == ["analog", "weights", "33.3", "%"]
    assert whole.analog_share == 1
    assert "analog" not in repr(whole) + str(whole)
    assert str(hwsim.table([whole, half])).splitlines()[-1].split() == [
        "analog",
        "weights",
        "100.0",
        "%",
        "33.3",
        "%",
    ]
    others = hwsim.DriftCurve((1.0,), half.values, chips=[1], analog_share=1 / 3)
    assert half.join(others).analog_share == pytest.approx(1 / 3)
    assert whole.join(others).analog_share is None


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"net": 3}, TypeError, "`net` must be a torch module, got 3"),
        ({"example": "x"}, TypeError, "`example` must be a tensor.*got 'x'"),
        ({"example": torch.ones(2, 5)}, ValueError, r"`example` must be inputs .*got \(1, 5\)"),
        ({"example": torch.ones(0, 4)}, ValueError, "`example` must have at least one input"),
        ({"example": torch.ones(1, 4), "input_shape": (4,)}, ValueError, "`input_shape` must be left out"),
        ({"input_shape": 4}, TypeError, "`input_shape` must be the shape of one input.*got 4"),
        ({"input_shape": (0,)}, ValueError, "`input_shape >= 1` must hold, got 0"),
        ({"hardware": 3}, TypeError, "`hardware` must be hwsim.Hardware, .*got 3"),
        ({"hardware": "pcm-rasch2032"}, ValueError, "did you mean pcm-rasch2023"),
        ({"hardware": HARDWARE, "digital_layers": "5"}, ValueError, "`5` in `digital_layers`"),
        ({"hardware": HARDWARE, "layers": {"5": HARDWARE}}, ValueError, "`5` in `layers`"),
        ({"digital_layers": "0"}, ValueError, "`digital_layers` must be left out without `hardware`"),
        ({"net": nn.LazyLinear(3)}, ValueError, "run the network once"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(change, kind, words) -> None:
    with pytest.raises(kind, match=words) as caught:
        hwsim.summary(**{"net": nn.Sequential(nn.Linear(4, 2)), **change})
    assert "\n" not in str(caught.value)


def test_hardware_of_an_analog_network_and_chips_are_refused() -> None:
    net = hwsim.to_analog(nn.Linear(4, 2), HARDWARE)
    with pytest.raises(ValueError, match="`hardware` must be left out for a network with analog layers"):
        hwsim.summary(net, hardware=HARDWARE)
    with pytest.raises(TypeError, match=r"pass chips.net"):
        hwsim.summary(hwsim.program(net, 1))


def test_a_network_on_several_kinds_of_hardware_says_which_layer_has_which() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
    coarse = hwsim.preset("ideal-8bit").replace({"tile.rows": 64})
    found = hwsim.summary(hwsim.to_analog(net, "ideal-8bit", layers={"1": coarse}))
    assert [layer.hardware for layer in found.layers] == ["ideal-8bit", "ideal-8bit with tile.rows 64"]
    assert "ideal-8bit with tile.rows 64" in str(found)
    assert "hardware" not in str(hwsim.summary(hwsim.to_analog(net, "ideal-8bit")))
