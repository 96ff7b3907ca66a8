from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import hwsim
from hwsim.batched import BatchedChips, ChipNoise, mix, signed
from hwsim.inference import checked_job, in_batches
from hwsim.inputs import Inputs
from hwsim.layered import LayerByLayer
from hwsim.noise import GOLDEN, NoisePool, NoiseStream, mixed

VARIANTS = {
    "analognas": ("pcm-analognas", {}),
    "split": ("pcm-analognas", {"tile.rows": 20, "tile.columns": 7}),
    "rasch": ("pcm-rasch2023", {"tile.rows": 33}),
    "continuous": ("pcm-analognas", {"converters.dac_bits": None, "converters.adc_bits": None}),
    "input-noise": ("pcm-analognas", {"mvm.input_noise": 0.01, "mvm.s_shape": 0.1}),
    "dynamic": ("pcm-analognas", {"converters.input_scaling": "dynamic"}),
    "uncompensated": ("reram-cmo", {"compensation.kind": "none"}),
    "column": ("pcm-hermes-2", {"compensation.kind": "column", "compensation.readout": "mvm"}),
    "reram": ("reram-wan2022", {}),
    "faulty": ("pcm-analognas", {"faults": {"on": 0.01, "at_value": 0.02}}),
    "bent": ("pcm-analognas", {"device": {"kind": "reram-milo2022", "amplitude_v": 0.5}}),
}


class Sequences(nn.Module):
    """Recurrent and attention layers, a transposed convolution, and a matrix of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose1d(3, 6, 3, 2, groups=3)
        self.memory = nn.LSTM(6, 8, batch_first=True, proj_size=5)
        self.gates = nn.GRUCell(5, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.matrix = nn.Parameter(torch.ones(8, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.memory(self.up(x.flatten(2)[:, :, :1]).mT)
        h = torch.stack([self.gates(state) for state in states.unbind(1)], 1)
        return self.attention(h, h, h, need_weights=False)[0].mean(1) @ self.matrix


def _network() -> nn.Module:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.Conv2d(8, 8, 3, groups=8), nn.ReLU6(), nn.Conv2d(8, 6, 1, stride=2),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5),
    )  # fmt: skip


def _scores(outputs: Any, start: int, end: int) -> Any:
    return outputs


@pytest.fixture
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the CPU's compiled converters aside: a GPU has none."""
    monkeypatch.setattr("hwsim.kernels.library.library", lambda: None)


def _chips(variant: str, n: int) -> tuple[hwsim.Chips, torch.Tensor]:
    preset, changes = VARIANTS[variant]
    net = hwsim.to_analog(_network(), hwsim.preset(preset).replace(changes))
    x = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    hwsim.calibrate(net, x)
    return hwsim.program(net, n=n, seed=3), x


@pytest.mark.usefixtures("_eager")
@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_chips_at_once_find_what_they_find_one_by_one(variant: str) -> None:
    chips, x = _chips(variant, 3)
    logits: list[torch.Tensor] = []
    chips.net.register_forward_hook(lambda _module, _inputs, output: logits.append(output))
    pool = NoisePool(torch.Generator().manual_seed(0))
    batched = BatchedChips(chips, pool, batch_size=5)
    inputs = Inputs((x,))
    assert batched.supports(inputs.part(0, 1), _scores)
    logits.clear()
    together = batched.evaluate(range(1, 3), 3600.0, inputs, _scores)
    assert len(logits) == 3  # batches; both chips in each
    layers = LayerByLayer(chips, Inputs((x[:1],)), batch_size=5).worker()
    for chip in (1, 2):
        noise = NoiseStream(pool, chips.mvm_key(3600.0, chip))
        alone = layers.evaluate(chips.at(3600.0, chip), noise, inputs, _scores)
        assert torch.equal(together[chip - 1].argmax(1), alone.argmax(1))


@pytest.mark.usefixtures("_eager")
@torch.no_grad()
def test_too_little_memory_means_fewer_chips_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chips, x = _chips("analognas", 5)
    pool = NoisePool(torch.Generator().manual_seed(0))
    inputs = Inputs((x,))
    expected = BatchedChips(chips, pool, 12).evaluate(range(5), 60.0, inputs, _scores)
    sizes: list[int] = []
    whole = BatchedChips._group

    def small(self: BatchedChips, group: range, *rest: Any) -> list[torch.Tensor]:
        sizes.append(len(group))
        if len(group) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return whole(self, group, *rest)

    monkeypatch.setattr(BatchedChips, "_group", small)
    found = BatchedChips(chips, pool, 12).evaluate(range(5), 60.0, inputs, _scores)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert sizes == [5, 2, 2, 1]


@pytest.mark.usefixtures("_eager")
@torch.no_grad()
def test_every_chip_has_its_turn_where_groups_shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    chips, x = _chips("analognas", 5)
    pool = NoisePool(torch.Generator().manual_seed(0))
    times = [1.0, 3600.0]
    job = checked_job(chips, x, times, 12, 4, None, False)
    expected = [BatchedChips(chips, pool, 12).evaluate(range(5), t_s, Inputs((x,)), _scores) for t_s in times]
    whole = BatchedChips._group

    def small(self: BatchedChips, group: range, *rest: Any) -> list[torch.Tensor]:
        if len(group) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return whole(self, group, *rest)

    monkeypatch.setattr(BatchedChips, "_group", small)
    found = list(in_batches(BatchedChips(chips, pool, 12, chips_at_once=4), job, _scores))
    assert [task for task, _ in found] == [(chip, row) for chip in range(5) for row in range(2)]
    assert all(torch.equal(scores, expected[row][chip]) for (chip, row), scores in found)


@torch.no_grad()
def test_a_network_that_vmap_cannot_run_is_found_out() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.layer(x)
            return y if float(y.sum()) > 0 else -y

    net = hwsim.to_analog(Branching(), "floating-point")
    chips = hwsim.program(net, n=2)
    pool = NoisePool(torch.Generator().manual_seed(0))
    assert not BatchedChips(chips, pool, 8).supports(Inputs((torch.ones(1, 4),)), _scores)


def test_keys_are_hashed_like_the_noise_of_one_chip() -> None:
    pool = NoisePool(torch.Generator().manual_seed(0))
    for key in (0, 5, 2**63 + 12345, 2**64 - 1):
        one = NoiseStream(pool, key, first_image=3).child(4).child(-2)
        many = ChipNoise(pool, torch.tensor(signed(key)), first_image=3).child(4).child(-2)
        assert int(many.key) == signed(one.key)
        shape = torch.empty(2, 7000, 3)
        assert torch.equal(many.like(shape, -1), one.like(shape, -1))
    numbers = [0, 1, 5, 2**62, 2**63, 2**64 - 1]
    hashed = [number % 2**64 for number in mix(torch.tensor([signed(number) for number in numbers])).tolist()]
    assert hashed == mixed(np.array(numbers, dtype=np.uint64)).tolist()
    # SplitMix64 from the state 0: the published generator's first numbers
    first = mix(torch.tensor([signed(GOLDEN), signed(2 * GOLDEN)])).tolist()
    assert [number % 2**64 for number in first] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


ON_META = [(_network, variant, adabs) for variant in VARIANTS for adabs in (False, True)]
ON_META += [(Sequences, variant, False) for variant in ("rasch", "bent")]


@pytest.mark.parametrize(("build", "variant", "adabs"), ON_META)
def test_no_evaluation_mixes_devices(
    build: Callable[[], nn.Module], variant: str, adabs: bool, values_on_meta: TorchDispatchMode
) -> None:
    preset, changes = VARIANTS[variant]
    net = hwsim.to_analog(build(), hwsim.preset(preset).replace(changes))
    x, y = torch.randn(12, 3, 8, 8), torch.ones(12, dtype=torch.int64)
    hwsim.calibrate(net, x)
    with values_on_meta:
        for network in (net.to("meta"), hwsim.to_analog(build().to("meta"), hwsim.preset(preset))):
            hwsim.calibrate(network, x)
            chips = hwsim.program(network, n=3, seed=3)
            assert {tensor.device.type for tensor in chips.state.values()} == {"meta"}
            curve = hwsim.accuracy_over_time(chips, x, y, [1.0, 3600.0], adabs_inputs=x if adabs else None)
            assert curve.accuracy.tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize("build", [_network, Sequences])
@pytest.mark.parametrize("modifier", ["gaussian", "device"])
@pytest.mark.parametrize("learned", [False, True])
def test_no_training_step_mixes_devices(
    modifier: Any, learned: bool, build: Callable[[], nn.Module], values_on_meta: TorchDispatchMode
) -> None:
    x = torch.randn(12, 3, 8, 8).to("meta")
    with values_on_meta:
        net = hwsim.to_analog(build().to("meta"), hwsim.preset("pcm-rasch2023"))
        hwsim.calibrate(net, x)
        hwa = hwsim.HwaTraining(
            net, generator=torch.Generator(), modifier=modifier, learn_ranges=learned, learn_scales=learned
        )
        optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)
        for _ in range(2):
            optimizer.zero_grad()
            with hwa.step():
                net(x).sum().backward()
            optimizer.step()
            hwa.after_update()
    gradients = [parameter.grad for parameter in net.parameters() if parameter.requires_grad]
    assert {None if gradient is None else gradient.device.type for gradient in gradients} == {"meta"}


@pytest.mark.usefixtures("_eager")
def test_two_devices_in_one_operation_are_found_out(values_on_meta: TorchDispatchMode) -> None:
    net = hwsim.to_analog(_network(), hwsim.preset("pcm-analognas")).to("meta")
    with values_on_meta, pytest.raises(RuntimeError, match="device"):
        net(torch.randn(2, 3, 8, 8))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_finds_what_the_cpu_finds() -> None:
    chips, x = _chips("rasch", 4)
    y = torch.arange(12) % 5
    on_cpu = hwsim.accuracy_over_time(chips, x, y, [1.0, 86_400.0])
    on_gpu = hwsim.accuracy_over_time(chips.to("cuda"), x, y, [1.0, 86_400.0])
    assert on_gpu.accuracy == pytest.approx(on_cpu.accuracy, abs=2 / 12)
