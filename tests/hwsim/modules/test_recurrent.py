"""Recurrent layers on ideal devices are torch's: values, states, gradients; then what real devices do to them."""

from itertools import product

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import hwsim
from hwsim.batched import BatchedChips
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels
from hwsim.modules import Execution
from hwsim.noise import NoisePool, NoiseStream
from hwsim.streams import stream

TOLERANCE = 1e-5
IDEAL = hwsim.preset("floating-point")
JOINED = IDEAL.replace({"tile.recurrent": "joined"})
KINDS = (nn.LSTM, nn.GRU, nn.RNN)


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def made(kind: type[nn.RNNBase], **options: object) -> nn.RNNBase:
    torch.manual_seed(0)
    return kind(5, 4, **options)


def tensors(states: object) -> list[torch.Tensor]:
    return list(states) if isinstance(states, tuple) else [states]


def assert_same(found: object, wanted: object) -> None:
    for one, other in zip(tensors(found), tensors(wanted), strict=True):
        assert one.shape == other.shape
        assert torch.allclose(one, other, atol=TOLERANCE)


def gradients(net: nn.Module) -> dict[str, torch.Tensor]:
    """Return the gradients of torch's parameters, whose arrays may be two or one."""
    plain = hwsim.to_digital(net)
    for arrays in net.modules():
        for weights in (arrays.weight,) if hasattr(arrays, "input_range") else ():
            weights.data = weights.grad.clone()
            if arrays.bias is not None:
                arrays.bias.data = arrays.bias.grad.clone()
    return {
        name: value
        for name, value in hwsim.to_digital(net).named_parameters()
        if name in dict(plain.named_parameters())
    }


@pytest.mark.parametrize("hardware", [IDEAL, JOINED], ids=["separate", "joined"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_first": True},
        {"bias": False, "bidirectional": True},
        {"num_layers": 2, "bidirectional": True, "batch_first": True},
        {"num_layers": 3},
    ],
    ids=str,
)
def test_outputs_states_and_gradients_are_torchs(kind, options, hardware) -> None:
    layer = made(kind, **options)
    net = hwsim.to_analog(layer, hardware)
    x, y = (randn(3, 6, 5).requires_grad_() for _ in range(2))
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    batch = 3 if layer.batch_first else 6
    first = [randn(count, batch, 4, seed=seed) for seed in (1, 2)]
    hx = tuple(first) if kind is nn.LSTM else first[0]
    (wanted, last), (found, states) = layer(x, hx), net(y, hx)
    assert_same((found, *tensors(states)), (wanted, *tensors(last)))
    assert_same(tuple(tensors(net(y)[1])), tuple(tensors(layer(x)[1])))
    weights = randn(*wanted.shape, seed=3)
    for outputs, ends in ((wanted, last), (found, states)):
        ((outputs * weights).sum() + sum(end.square().sum() for end in tensors(ends))).backward()
    assert torch.allclose(x.grad, y.grad, atol=TOLERANCE)
    own = gradients(net)
    for name, parameter in layer.named_parameters():
        joined = hardware is JOINED and name.startswith("bias_hh")
        if not joined:  # one array has one bias
            assert torch.allclose(own[name], parameter.grad, atol=1e-4), name


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # of torch's own layer
@pytest.mark.parametrize("hardware", [IDEAL, JOINED], ids=["separate", "joined"])
def test_projections_are_torchs(hardware) -> None:
    layer = made(nn.LSTM, proj_size=3, num_layers=2, bidirectional=True)
    net = hwsim.to_analog(layer, hardware)
    x = randn(6, 2, 5)
    (wanted, last), (found, states) = layer(x), net(x)
    assert_same((found, *states), (wanted, *last))
    assert [tuple(state.shape) for state in states] == [(4, 2, 3), (4, 2, 4)]
    back = hwsim.to_digital(net)
    assert_same(back(x)[0], wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_a_relu_dropout_and_single_sequences_are_torchs(kind) -> None:
    options = {"nonlinearity": "relu"} if kind is nn.RNN else {}
    layer = made(kind, num_layers=2, dropout=0.5, bidirectional=True, **options)
    net = hwsim.to_analog(layer, IDEAL)
    x = randn(6, 5)
    wanted, last = layer.eval()(x)
    found, states = net.eval()(x)
    assert_same((found, *tensors(states)), (wanted, *tensors(last)))
    long = randn(40, 30, 5)
    torch.manual_seed(0)
    dropped = net.train()(long)[0]
    assert not torch.allclose(dropped, net.eval()(long)[0])
    digital = hwsim.to_digital(net)
    assert (digital.dropout, digital.num_layers, getattr(digital, "nonlinearity", "relu")) == (0.5, 2, "relu")


@pytest.mark.parametrize("hardware", [IDEAL, JOINED], ids=["separate", "joined"])
@pytest.mark.parametrize(("kind", "is_sorted"), list(product(KINDS, [True, False])))
def test_packed_sequences_are_torchs(kind, is_sorted, hardware) -> None:
    layer = made(kind, num_layers=2, bidirectional=True)
    net = hwsim.to_analog(layer, hardware)
    x, lengths = randn(7, 4, 5), torch.tensor([7, 5, 5, 2] if is_sorted else [2, 7, 5, 1])
    packed = pack_padded_sequence(x, lengths, enforce_sorted=is_sorted)
    first = [randn(4, 4, 4, seed=seed) for seed in (1, 2)]
    hx = tuple(first) if kind is nn.LSTM else first[0]
    (wanted, last), (found, states) = layer(packed, hx), net(packed, hx)
    assert_same((found.data, *tensors(states)), (wanted.data, *tensors(last)))
    padded, of = pad_packed_sequence(found)
    assert torch.equal(of, lengths) and torch.allclose(padded, pad_packed_sequence(wanted)[0], atol=TOLERANCE)


@pytest.mark.parametrize("hardware", [IDEAL, JOINED], ids=["separate", "joined"])
@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_cells_are_torchs(kind, hardware) -> None:
    torch.manual_seed(0)
    cell = kind(5, 4)
    net, x = hwsim.to_analog(cell, hardware), randn(3, 5)
    assert_same(net(x), cell(x))
    assert_same(net(x[0]), cell(x[0]))
    assert_same(net(x, net(x)), cell(x, cell(x)))
    assert_same(hwsim.to_digital(net)(x), cell(x))
    with pytest.raises(ValueError, match=r"states must be \(3, 4\).*got \(2, 4\)"):
        net(x, (randn(2, 4),) * 2 if kind is nn.LSTMCell else randn(2, 4))
    with pytest.raises((ValueError, TypeError), match=r"must be a pair \(h, c\)|states must be tensors"):
        net(x, (x,))
    with pytest.raises(ValueError, match="at least one vector"):
        net(x[:0])


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_keeps_everything(kind) -> None:
    layer = made(kind, num_layers=2, bidirectional=True, batch_first=True)
    back = hwsim.to_digital(hwsim.to_analog(layer, "pcm-rasch2023"))
    assert type(back) is kind
    assert {name: tuple(value.shape) for name, value in back.named_parameters()} == {
        name: tuple(value.shape) for name, value in layer.named_parameters()
    }
    for name, value in layer.named_parameters():
        assert torch.equal(back.get_parameter(name), value)


def test_each_step_has_other_noise_of_one_programming_error() -> None:
    x = randn(8, 1, 5).expand(8, 20, 5).contiguous()  # the same input at each step
    model = Outputs(nn.RNN(5, 4, batch_first=True))
    with torch.no_grad():
        model.layer.weight_hh_l0.zero_()  # so that steps would be equal
    net = hwsim.to_analog(model, hwsim.preset("pcm-rasch2023").replace({"converters.adc_bits": 16}))
    hwsim.calibrate(net, x)
    chips = hwsim.program(net, n=3)
    quiet = hwsim.program(hwsim.to_analog(model, IDEAL.replace({"device": {"kind": "pcm"}})), n=2)
    (_, _, steady), *_ = hwsim.outputs(quiet, x, 1)
    assert torch.allclose(steady[:, 15], steady[:, 16], atol=1e-4), "programming error varies over time"
    for _, _, outputs in hwsim.outputs(chips, x, 1):
        differences = (outputs[:, 1:] - outputs[:, :-1]).abs().amax((0, 2))
        assert bool((differences > 1e-3).all()), "two steps have the same noise"


def test_a_run_of_a_joined_array_has_other_noise_at_each_step() -> None:
    net = hwsim.to_analog(nn.LSTM(5, 4), hwsim.preset("pcm-rasch2023").replace({"tile.recurrent": "joined"}))
    x = torch.zeros(6, 2, 5)
    hwsim.calibrate(net, randn(6, 2, 5))
    layer = net.l0.gates.both
    pool = NoisePool(torch.Generator().manual_seed(0))
    seen = []
    layer.register_forward_hook(lambda _layer, _inputs, outputs: seen.append(outputs))
    layer.execution = Execution(noise=NoiseStream(pool, 7))
    net(x)
    first = list(seen)
    layer.execution = Execution(noise=NoiseStream(pool, 7))
    net(x)
    assert all(torch.equal(one, other) for one, other in zip(first, seen[6:], strict=True))
    assert len({float(one.detach().sum()) for one in first}) == 6


class Outputs(nn.Module):
    """Leaves the states out."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0]


class Reader(nn.Module):
    """An embedding, a recurrent layer and a classifier."""

    def __init__(self, kind: type[nn.RNNBase] = nn.LSTM, **options: object) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 6)
        self.memory = kind(6, 8, batch_first=True, **options)
        self.last = nn.Linear(8 * (2 if self.memory.bidirectional else 1), 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.last(self.memory(self.words(tokens))[0][:, -1])


def tokens(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    found = torch.randint(0, 9, (n, 7), generator=torch.Generator().manual_seed(0))
    return found, found.sum(1) % 3


@pytest.mark.parametrize(
    ("kind", "recurrent"), [(nn.LSTM, "separate"), (nn.GRU, "joined"), (nn.RNN, "separate")]
)
def test_everything_that_other_layers_have(kind, recurrent, tmp_path) -> None:
    torch.manual_seed(0)
    hardware = hwsim.preset("pcm-rasch2023").replace({"tile.recurrent": recurrent})
    net = hwsim.to_analog(Reader(kind, num_layers=2), hardware)
    x, y = tokens()
    with pytest.raises(ValueError, match="calibrate"):
        net(x)
    hwsim.calibrate(net, x)
    arrays = dict(hwsim.conversion.analog_layers(net))
    assert all(bool((layer.input_range > 0).all()) for layer in arrays.values())
    ranges = [float(layer.input_range[0]) for layer in arrays.values()]
    assert len(set(ranges)) > len(ranges) // 2, "arrays have ranges of their own"
    hwa = hwsim.HwaTraining(net, seed=0, learn_ranges=True)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        with hwa.step():
            loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        hwa.after_update()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    chips = hwsim.program(net.eval(), n=3)
    curve = hwsim.evaluate(chips, (x, y), [1, "1 year"], "cross-entropy")
    assert curve.values.shape == (2, 3) and len(set(curve.values.flatten())) == 6
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    again = hwsim.load_chips(net, tmp_path / "chips.safetensors")
    assert (hwsim.evaluate(again, (x, y), [1, "1 year"], "cross-entropy").values == curve.values).all()
    costs = hwsim.sensitivity(net, (x, y), chips=2)
    assert {layer.layer for layer in costs.layers} == set(arrays)


def test_results_do_not_depend_on_batches_and_threads() -> None:
    torch.manual_seed(0)
    net = hwsim.to_analog(Reader(bidirectional=True), "pcm-analognas")
    x, y = tokens(10)
    hwsim.calibrate(net, x)
    chips = hwsim.program(net, n=2)
    curves = [hwsim.evaluate(chips, (x, y), [1], "cross-entropy", batch_size=size).values for size in (10, 3)]
    assert (abs(curves[0] - curves[1]) < 1e-6).all()
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        two = hwsim.evaluate(chips, (x, y), [1], "cross-entropy").values
    finally:
        torch.set_num_threads(before)
    assert (abs(curves[0] - two) < 1e-6).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: net(torch.ones(2, 0, 5)), r"at least one step.*\(2, 0, 5\)"),
        (lambda net: net(torch.ones(0, 3, 5)), r"at least one sequence.*\(0, 3, 5\)"),
        (lambda net: net(torch.ones(2, 3, 4)), r"`\(batch, time, 5\)`.*got \(2, 3, 4\)"),
        (lambda net: net(torch.ones(2, 3, 5), torch.ones(1, 2, 4)), "pair"),
        (lambda net: net(torch.ones(2, 3, 5), (None, None)), "states must be tensors"),
        (
            lambda net: net(torch.ones(2, 3, 5), (torch.ones(1, 3, 4), torch.ones(1, 2, 4))),
            r"states must be \(1, 2, 4\).*got \(1, 3, 4\)",
        ),
        (
            lambda net: net(PackedSequence(torch.ones(3, 5), torch.tensor([1, 2]))),
            r"must not rise.*\[1, 2\].*sorts",
        ),
        (lambda net: net(PackedSequence(torch.ones(4, 5), torch.tensor([2, 1]))), "sum to its rows"),
        (lambda net: net(PackedSequence(torch.ones(3, 4), torch.tensor([2, 1]))), "rows of 5 numbers"),
        (
            lambda net: net(PackedSequence(torch.ones(3, 5), torch.tensor([2, 1]), torch.tensor([0]))),
            "one for each of its 2 sequences, got 1",
        ),
        (lambda net: net(torch.ones(2, 3, 5).double()), "inputs must be torch.float32 .* got torch.float64"),
        (lambda net: net(torch.ones(2, 3, 5).long()), r"got torch.int64: pass x.to\(torch.float32\)"),
        (
            lambda net: net(torch.ones(2, 3, 5), (torch.ones(1, 2, 4).half(), torch.ones(1, 2, 4))),
            "states must be torch.float32 .* got torch.float16",
        ),
    ],
)
def test_wrong_sequences_are_told_in_a_line(call, message) -> None:
    with pytest.raises((ValueError, TypeError), match=message) as told:
        call(hwsim.to_analog(nn.LSTM(5, 4, batch_first=True), IDEAL))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", KINDS)
def test_many_chips_at_once_find_what_they_find_one_by_one(kind, monkeypatch) -> None:
    monkeypatch.setattr(kernels, "library", lambda: None)  # as on a GPU
    torch.manual_seed(0)
    hardware = hwsim.preset("pcm-rasch2023").replace({"converters.adc_bits": None})
    net = hwsim.to_analog(Reader(kind, bidirectional=True), hardware)
    x, _ = tokens(4)
    hwsim.calibrate(net, x)
    chips = hwsim.program(net, n=2)
    alone = [outputs for _, _, outputs in hwsim.outputs(chips, x, 1)]
    pool = NoisePool.for_layers(
        stream(0, "pool"), [layer.mapping for layer in chips.layers.values()], x.device
    )
    with torch.no_grad():
        batched = BatchedChips(chips, pool, 4)
        together = batched.evaluate(range(2), 1.0, Inputs((x,)), lambda y, *_: y)
    for one, other in zip(alone, together, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def frozen(layer: nn.Module) -> set[str]:
    return {name for name, value in layer.named_parameters() if not value.requires_grad}


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_frozen_parameters_stay_frozen_there_and_back(kind) -> None:
    layer = kind(5, 4)
    layer.weight_hh_l0.requires_grad_(False)
    layer.bias_ih_l0.requires_grad_(False)
    back = hwsim.to_digital(hwsim.to_analog(layer, "floating-point"))
    assert frozen(back) == {"weight_hh_l0", "bias_ih_l0"}


@pytest.mark.parametrize("arrays", ["separate", "joined"])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_trained_range_trains_no_weight_of_the_digital_layer(kind, arrays) -> None:
    hardware = hwsim.preset("floating-point").replace({"tile.recurrent": arrays})
    net = hwsim.to_analog(kind(5, 4), hardware).requires_grad_(False)
    for module in net.modules():
        if isinstance(module, hwsim.AnalogLinear):
            module.input_range.requires_grad_(True)
    assert frozen(hwsim.to_digital(net)) == {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}


def test_flattening_parameters_does_nothing() -> None:
    net = hwsim.to_analog(nn.LSTM(5, 4), "floating-point")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.flatten_parameters()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
