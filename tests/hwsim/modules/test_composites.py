"""What layers of several arrays have in common with all others: fused networks, GPUs, cost, analog.json, conversion."""

import json

import pytest
import torch
from torch import nn

import hwsim
from hwsim.batched import BatchedChips
from hwsim.fused.executor import FusedNetwork
from hwsim.fused.graph import StagePlan
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels
from hwsim.layered import LayerByLayer
from hwsim.noise import NoisePool, NoiseStream
from hwsim.streams import stream


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


class Mixed(nn.Module):
    """A convolution, a recurrent layer, attention, and a matrix of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv1d(4, 8, 3, padding=1), nn.BatchNorm1d(8)
        self.memory = nn.GRU(8, 6, batch_first=True)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.matrix = nn.Parameter(randn(6, 5) / 3)
        self.last = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.relu(self.norm(self.conv(x))).mT
        states, _ = self.memory(h)
        seen, _ = self.attention(states, states, states, need_weights=False)
        return self.last(torch.relu(seen[:, -1] @ self.matrix))


ARRAYS = [
    *("conv", "memory.l0.gates.input", "memory.l0.gates.hidden"),
    *(f"attention.{part}_proj" for part in ("q", "k", "v", "out")),
    *("last", "matrix.array"),
]


@pytest.fixture
def made() -> tuple[nn.Module, nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    model, x = Mixed().eval(), randn(20, 4, 9)
    net = hwsim.to_analog(model, "pcm-analognas")
    hwsim.calibrate(net, x)
    return model, net, x


def test_a_fused_network_runs_them_between_its_stages(made) -> None:
    _, net, x = made
    chips = hwsim.program(net, n=1)
    assert list(chips.layers) == ARRAYS
    network = FusedNetwork(chips, Inputs((x[:1],)))
    fused = {step.layer for step in network.plan.steps if isinstance(step, StagePlan)}
    assert {"conv", "last", "matrix.array"} <= fused
    noise = NoiseStream(
        NoisePool.for_layers(stream(0), [layer.mapping for layer in chips.layers.values()], x.device), 7
    )
    reading = chips.at(1.0, 0)
    with torch.no_grad():
        worker = network.worker()
        worker.load(reading, noise)
        found = worker(Inputs((x,)), 0)
        ((_, _, wanted),) = (
            LayerByLayer(chips, Inputs((x[:1],)), 20).worker().passes(reading, noise, Inputs((x,)), 20)
        )
    assert torch.allclose(found, wanted, atol=0.02 * float(wanted.abs().max()))
    assert not torch.allclose(found, hwsim.to_digital(net)(x), atol=0.02 * float(wanted.abs().max()))


def test_many_chips_at_once_find_what_they_find_one_by_one(made, monkeypatch) -> None:
    monkeypatch.setattr(kernels, "library", lambda: None)  # as on a GPU
    _, net, x = made
    chips = hwsim.program(net, n=2)
    alone = [outputs for _, _, outputs in hwsim.outputs(chips, x, 1)]
    pool = NoisePool.for_layers(
        stream(0, "pool"), [layer.mapping for layer in chips.layers.values()], x.device
    )
    with torch.no_grad():
        together = BatchedChips(chips, pool, 20).evaluate(range(2), 1.0, Inputs((x,)), lambda y, *_: y)
    for one, other in zip(alone, together, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_cost_counts_each_step_of_each_array_before_and_after_conversion(made) -> None:
    model, _, _ = made
    chip = hwsim.chip("aon-cim")
    found = hwsim.cost(model, chip, input_shape=(4, 9))
    positions = {row.name: row.positions for row in found.rows if row.name in ARRAYS}
    steps = dict.fromkeys(ARRAYS, 9) | {"last": 1, "matrix.array": 1}
    assert positions == steps
    on = hwsim.to_analog(model, hwsim.preset("pcm-analognas").replace({"tile.rows": 1024}))
    assert hwsim.cost(on, chip, input_shape=(4, 9)).energy_uj == found.energy_uj


def test_analog_json_gives_the_network_again(made, tmp_path) -> None:
    model, net, x = made
    path = tmp_path / "analog.json"
    path.write_text(json.dumps(hwsim.analog_parameters(net)))
    again = hwsim.load_analog(model, path, "pcm-analognas")
    assert list(hwsim.tile_map(again).layers) == ARRAYS
    assert torch.equal(again(x), net(x))
    partly = hwsim.to_analog(model, "pcm-analognas", ["attention", "memory"])
    hwsim.calibrate(partly, x)
    path.write_text(json.dumps(hwsim.analog_parameters(partly)))
    assert torch.equal(hwsim.load_analog(model, path, "pcm-analognas")(x), partly(x))
    values = json.loads(path.read_text())
    del values["layers"]["matrix.array"]
    path.write_text(json.dumps(values))
    assert isinstance(hwsim.load_analog(model, path, "pcm-analognas").matrix, nn.Parameter)


def test_hardware_by_layer_and_packed_tiles_reach_their_arrays(made) -> None:
    model, _, _ = made
    packed = hwsim.preset("pcm-analognas").replace({"tile.mapping": "packed"})
    fine = packed.replace({"converters.adc_bits": 10, "tile.recurrent": "joined"})
    net = hwsim.to_analog(model, packed, layers={nn.GRU: fine})
    assert hwsim.tile_map(net).n_tiles == 1
    assert net.memory.l0.gates.both.hardware == fine and net.last.hardware == packed
    assert torch.allclose(hwsim.to_digital(net)(randn(2, 4, 9)), model(randn(2, 4, 9)), atol=1e-5)


def test_a_fixed_point_unit_computes_behind_their_arrays(made) -> None:
    model, _, x = made
    hardware = hwsim.preset("pcm-analognas").replace({"digital.kind": "fixed-point"})
    net = hwsim.to_analog(model, hardware)
    hwsim.calibrate(net, x)
    chips = hwsim.program(net, n=1)
    ((_, _, found),) = hwsim.outputs(chips, x, 1)
    ideal = model(x).detach()
    assert float((found - ideal).norm() / ideal.norm()) < 0.5
