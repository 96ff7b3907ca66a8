"""Algorithms: what they find on a small linear map, against the literature, and what every optimiser promises."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hwsim import learning
from hwsim.learning.algorithms.choppers import flips, period
from hwsim.learning.fabrication import restored

ALGORITHMS: dict[str, Any] = {
    "sgd": learning.AnalogSGD,
    "mixed-precision": learning.MixedPrecision,
    "tiki-taka": learning.TikiTaka,
    "ttv2": learning.TTv2,
    "c-ttv2": learning.ChoppedTTv2,
    "agad": learning.AGAD,
}
SIZE = 20


def soft_bounds(states: int, spread: float, width: float = 1.0, bias: float = 0.1) -> learning.SoftBounds:
    return learning.SoftBounds(
        step=2 / states, w_max=width, w_min=-width, step_spread=0.3, step_spread_kind="log-normal",
        up_down_spread=bias, w_max_spread=spread, w_min_spread=spread, crossed_bounds="zero", cycle_noise=0.3,
    )  # fmt: skip


def error(algorithm: str, steps: int, offset: float = 0.0, width: float = 1.0, states: int = 20) -> float:
    """Return the root mean square error of a 20 × 20 map, with the constants of Rasch et al. 2024."""
    generator = torch.Generator().manual_seed(3)
    target = torch.randn(SIZE, SIZE, generator=generator) * 0.3
    weight = learning.TileParameter(torch.zeros(SIZE, SIZE))
    slow, fast = soft_bounds(states, 0.0, width), soft_bounds(states, 0.3, width)
    values: dict[str, Any] = {"weight_range": 1.0, "lr": 0.1}
    if algorithm == "sgd":
        values |= {"lr": 0.1 / SIZE, "most_slots": 5}
    else:
        values |= {
            "periphery": "ideal",
            "fast_device": fast,
            "fast_lr": 1.0,
            "gradient_slots": 5,
            "buffer_states": 200.0,
        }
        values |= {"transfer_every": 5, "momentum": 0.0, "reference": "exact", "reference_spread": offset}
    if algorithm in ("c-ttv2", "agad"):
        values |= {"chop_probability": 0.1, "chopper": "random"}
    if algorithm == "agad":
        values |= {"tail": 5.0}
    optimizer = ALGORITHMS[algorithm]([weight], slow, **values)
    for x in torch.randn(steps, 1, SIZE, generator=generator):
        d = x @ (weight.detach() - target).T
        weight.grad, weight.factors = d.T @ x, [(x, d)]
        optimizer.step()
    return float((weight.detach() - target).square().mean().sqrt())


@pytest.mark.slow
def test_two_arrays_learn_what_one_cannot_and_agad_needs_no_reference() -> None:
    """In 4,000 of the 20,000 steps of `scripts/reproduce/in_memory_training.py`, with looser bounds."""
    assert error("sgd", 1500) > 0.12
    assert error("ttv2", 4000) < 0.11
    assert error("ttv2", 2500, offset=0.5) > 0.3
    agad, off = error("agad", 4000), error("agad", 4000, offset=0.5)
    assert agad < 0.14 and off == pytest.approx(agad, rel=0.2)


def test_plain_descent_does_better_on_more_symmetric_devices() -> None:
    """Wider bounds at the same step are a more symmetric device."""
    assert error("sgd", 3000, width=4.0, states=200) < 0.6 * error("sgd", 3000, states=200)


def network(tiles: bool = True) -> nn.Module:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    net = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.Tanh(), nn.Linear(12, 3))
    return learning.on_tiles(net, periphery="ideal") if tiles else net


def data() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(256, 6, generator=torch.Generator().manual_seed(1))
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0.3).long()


def train(net: nn.Module, optimizer: torch.optim.Optimizer, batches: range) -> float:
    x, y = data()
    loss = torch.zeros(())
    for batch in batches:
        part = slice(32 * (batch % 8), 32 * (batch % 8) + 32)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x[part]), y[part])
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def make(name: str, net: nn.Module, **values: Any) -> torch.optim.Optimizer:
    rates = {"sgd": 0.2, "mixed-precision": 0.2, "tiki-taka": 0.3}
    values = {"lr": rates.get(name, 20.0), "digital_lr": 0.1, **values}
    if name in ("tiki-taka", "ttv2", "c-ttv2", "agad"):
        values = {"transfer_columns": 6, "periphery": "ideal", **values}
    if name in ("c-ttv2", "agad"):
        values = {"chop_probability": 0.2, **values}
    return ALGORITHMS[name](net.parameters(), "ecram", **values)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("tiles", [True, False])
def test_networks_learn(name, tiles) -> None:
    net = network(tiles)
    optimizer = make(name, net)
    first = train(net, optimizer, range(8))
    assert train(net, optimizer, range(160)) < 0.75 * first


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_same_seed_gives_the_same_and_another_gives_another(name) -> None:
    found = []
    for seed in (1, 1, 2):
        net = network()
        train(net, make(name, net, seed=seed), range(12))
        found.append(net[0].weight.detach().clone())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_state_dictionary_continues_as_if_nothing_had_happened(name, tmp_path) -> None:
    net = network()
    optimizer = make(name, net)
    train(net, optimizer, range(10))
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state.pt")
    other = network()
    reads = {} if name in ("sgd", "mixed-precision") else {"periphery": "ideal"}
    resumed = ALGORITHMS[name](other.parameters(), "idealized", lr=5.0, seed=9, **reads)
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    other.load_state_dict(saved["net"])
    resumed.load_state_dict(saved["optimizer"])
    for one, its in ((net, optimizer), (other, resumed)):
        train(one, its, range(10, 25))
    for ours, theirs in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_weights_are_those_of_the_cells() -> None:
    net = network()
    optimizer = make("sgd", net)
    train(net, optimizer, range(3))
    state = optimizer.state[net[0].weight]
    array = restored(learning.device("ecram"), state["slow"])
    torch.testing.assert_close(net[0].weight.detach(), array.weights * state["scale"])
    assert bool((array.weights <= array.cells["high"]).all())


def test_mixed_precision_keeps_what_is_less_than_a_pulse() -> None:
    weight = nn.Parameter(torch.zeros(4, 5))
    device = learning.ConstantStep(step=0.01)
    optimizer = learning.MixedPrecision([weight], device, lr=1.0, weight_range=1.0, transfer_every=2)
    for _ in range(7):
        weight.grad = torch.full((4, 5), 0.004)
        optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.full((4, 5), -0.02))
    torch.testing.assert_close(optimizer.state[weight]["waiting"], torch.full((4, 5), -0.008))


def test_vectors_and_digital_groups_are_digital() -> None:
    net = network(tiles=False)
    groups = [{"params": net[0].parameters(), "analog": False}, {"params": net[3].parameters()}]
    optimizer = learning.AnalogSGD(groups, "reram-es", lr=0.1)
    reference = copy.deepcopy(net)
    assert "slow" not in optimizer.state.get(net[0].weight, {}) and "slow" in optimizer.state[net[3].weight]
    x, y = data()
    for one, its in ((net, optimizer), (reference, torch.optim.SGD(reference.parameters(), 0.1))):
        F.cross_entropy(one(x), y).backward()
        its.step()
    torch.testing.assert_close(net[0].weight, reference[0].weight)
    torch.testing.assert_close(net[3].bias, reference[3].bias)


def test_groups_have_devices_of_their_own() -> None:
    net = network(tiles=False)
    groups = [{"params": net[0].parameters(), "device": "idealized"}, {"params": net[3].parameters()}]
    optimizer = learning.AnalogSGD(groups, "reram-es", lr=0.1)
    assert "visible" in optimizer.state[net[3].weight]["slow"]
    assert "visible" not in optimizer.state[net[0].weight]["slow"]


def test_pairs_learn() -> None:
    net = network()
    optimizer = learning.MixedPrecision(net.parameters(), "pcm", lr=0.3)
    first = train(net, optimizer, range(8))
    assert train(net, optimizer, range(240)) < 0.9 * first


def test_choppers() -> None:
    assert (period(0.1), period(0.02), period(1)) == (10, 50, 2)
    reads = torch.arange(1, 31).float()
    assert flips("regular", 0.1, reads, 0).nonzero()[:, 0].tolist() == [9, 19, 29]
    drawn = flips("random", 0.3, torch.ones(20_000), 5)
    assert float(drawn.float().mean()) == pytest.approx(0.3, abs=0.015)


def test_an_offset_of_the_reference_stays_in_ttv2_and_not_in_the_others() -> None:
    """Without a gradient, TTv2 writes the offset of its reference into the weights; choppers let it cancel."""
    device = learning.ConstantStep(step=0.001)
    moved = {}
    for name, values in (
        ("ttv2", {}),
        ("c-ttv2", {"chop_probability": 0.25}),
        ("agad", {"chop_probability": 0.25}),
    ):
        weight = nn.Parameter(torch.zeros(4, 5))
        optimizer = ALGORITHMS[name](
            [weight], device, lr=1.0, weight_range=1.0, periphery="ideal", buffer_states=100.0, transfer_columns=5,
            momentum=0.0, **values,
        )  # fmt: skip
        optimizer.state[weight]["reference"].fill_(-0.5)
        for _ in range(400):
            weight.grad = torch.zeros(4, 5)
            optimizer.step()
        moved[name] = float(weight.detach().abs().mean())
    assert moved["ttv2"] > 0.5
    assert moved["c-ttv2"] < 0.3 * moved["ttv2"]
    assert moved["agad"] == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": -0.1}, r"`lr >= 0` must hold, got -0.1: a rate above 0 descends"),
        ({"lr": float("nan")}, r"`lr >= 0` must hold, got nan"),
        ({"transfer_every": 0}, r"`transfer_every >= 1` must hold, got 0: .* 1 is the least"),
        ({"transfer_columns": 0}, r"`transfer_columns >= 1` must hold, got 0"),
        (
            {"chop_probability": 0.0},
            r"`chop_probability > 0` must hold, got 0.0: AGAD finds its reference at flips",
        ),
        ({"chopper": "rare"}, r"`chopper` must be random or regular, got 'rare'"),
        ({"weight_range": 0}, r"`weight_range > 0` must hold, got 0"),
        ({"reference": "some"}, r"`reference` must be exact, measured or zero, got 'some'"),
        ({"periphery": "some"}, r"`periphery` must be"),
        ({"device": "pmc"}, r"did you mean pcm\?"),
    ],
)
def test_values_that_cannot_be_are_one_line(values, message) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        learning.AGAD([nn.Parameter(torch.zeros(2, 2))], **values)
    assert "\n" not in str(caught.value)


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="float32"):
        learning.AGAD([nn.Parameter(torch.zeros(2, 2, dtype=torch.float64))])
    with pytest.raises(TypeError, match="a preset's name or a pulsed device"):
        learning.AGAD([nn.Parameter(torch.zeros(2, 2))], 3)  # type: ignore[arg-type]


def test_zero_shifting_by_pulses_finds_a_reference() -> None:
    device = learning.SoftBounds(step=0.02, up_down_spread=0.1)
    weight = nn.Parameter(torch.zeros(20, 20))
    optimizer = learning.TTv2([weight], device, reference="measured")
    exact = learning.TTv2([nn.Parameter(torch.zeros(20, 20))], device)
    found, wanted = (next(iter(each.state.values()))["reference"] for each in (optimizer, exact))
    assert float((found - wanted).abs().mean()) < 0.02 < float(wanted.abs().mean())
