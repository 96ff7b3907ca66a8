import math

import pytest
import torch

from hwsim import learning
from hwsim.learning.devices.exponential import exp
from hwsim.learning.devices.neurosim import from_nonlinearity, shape
from hwsim.learning.fabrication import fabricate, restored, tensors
from hwsim.learning.presets import PRESETS, replaced

SHAPE = (40, 50)
SINGLE = [name for name, preset in PRESETS.items() if name != "pcm"]
PIECEWISE = learning.PiecewiseStep(step=0.01, nodes_up=(2.0, 1.0, 0.5), nodes_down=(0.2, 1.0, 3.0))
OTHERS = {
    "soft-bounds": learning.SoftBounds(
        step=0.01, step_spread=0.2, up_down_spread=0.2, w_max_spread=0.2, w_min_spread=0.2
    ),
    "power": learning.PowerStep(
        step=0.01, gamma=1.7, gamma_spread=0.1, gamma_up_down=0.2, up_down_spread=0.1
    ),
    "piecewise": PIECEWISE,
}
DEVICES = {**{name: PRESETS[name].device for name in SINGLE}, **OTHERS}


def ones(up: bool = True) -> torch.Tensor:
    return torch.full(SHAPE, 1 if up else -1, dtype=torch.int32)


def mean_step(
    device: learning.PulsedDevice, w: float, up: bool, pulses: int = 400
) -> tuple[torch.Tensor, float]:
    """Return each cell's mean step at `w`, and the standard error of a mean of their mean."""
    array = fabricate(replaced(device, {"write_noise": 0.0}), SHAPE, 3)
    total, squares = torch.zeros(SHAPE, dtype=torch.float64), torch.zeros(SHAPE, dtype=torch.float64)
    for k in range(pulses):
        array.write(torch.full(SHAPE, w), 0)
        before = array.weights.clone()
        array.pulse(ones(up), k)
        step = (array.weights - before).double()
        total += step
        squares += step.square()
    variance = (squares / pulses - (total / pulses).square()).mean()
    return total / pulses, float((variance / pulses / total.numel()).sqrt())


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("up", [True, False])
def test_mean_steps_follow_the_law(name, up) -> None:
    """Far from the bounds, where no step is clipped."""
    device = replaced(DEVICES[name], {"step": DEVICES[name].step / 100})
    array = fabricate(replaced(device, {"write_noise": 0.0}), SHAPE, 3)
    array.write(torch.full(SHAPE, 0.1), 0)
    w, cells = array.weights, array.cells
    wanted = device.up(w, cells) if up else -device.down(w, cells)
    found, error = mean_step(device, 0.1, up, 100)
    room = 30 * wanted.abs()
    inside = (w - cells["low"] > room) & (cells["high"] - w > room)
    assert inside.float().mean() > 0.8
    assert abs(float((found - wanted)[inside].mean())) < 4 * error + 1e-7


@pytest.mark.parametrize("name", DEVICES)
def test_a_staircase_saturates_at_the_bounds(name) -> None:
    """Twice as many pulses as there are states lead from bound to bound, or nearer than noise can tell."""
    device = DEVICES[name]
    states = min(device.n_states, 100)
    device = replaced(
        device, {"step": device.step * device.n_states / states, "cycle_noise": 0.0, "write_noise": 0.0}
    )
    array = fabricate(device, (20, 20), 1)
    for up in (True, False):
        last = array.weights.clone()
        for k in range(int(8 * states)):
            array.pulse(ones(up)[:20, :20], k)
            assert bool(((array.weights - last) * (1 if up else -1) >= -1e-6).float().mean() > 0.97)
            last = array.weights.clone()
        bound = array.cells["high" if up else "low"]
        moves = (array.cells["low"] < 0) & (array.cells["high"] > 0)
        gap = (last - bound).abs()[moves]
        assert float(gap.median()) < 0.15
        assert bool((last <= array.cells["high"] + 1e-6).all() and (last >= array.cells["low"] - 1e-6).all())


@pytest.mark.parametrize("name", DEVICES)
def test_steps_are_equal_at_the_symmetry_point(name) -> None:
    device = DEVICES[name]
    cells = device.fabricate(SHAPE, torch.Generator().manual_seed(0))
    point = device.symmetry_point(cells)
    inside = (point > cells["low"] + 1e-3) & (point < cells["high"] - 1e-3)
    up, down = device.up(point, cells), device.down(point, cells)
    if device.kind == "constant":
        assert float((point == 0).float().mean()) > 0.99  # the rest are dead cells
        return
    assert bool(inside.any())
    torch.testing.assert_close(up[inside], down[inside], rtol=2e-3, atol=1e-6)


def test_measured_symmetry_points_are_those_of_the_formula() -> None:
    device = learning.SoftBounds(
        step=0.02, up_down=0.3, up_down_spread=0.1, w_max_spread=0.1, w_min_spread=0.1, cycle_noise=0.1
    )
    array = fabricate(device, SHAPE, 5)
    exact = array.symmetry_point()
    found = learning.zero_shift(array, 400, seed=1)
    assert float((found - exact).abs().mean()) < 0.02
    assert float(found.mean()) == pytest.approx(float(exact.mean()), rel=0.02)
    s_up, s_dn = 1.0, 0.7  # of a cell without variation: steps up 1 - w, down 0.7 (1 + w)
    mean = replaced(device, dict.fromkeys(("up_down_spread", "w_max_spread", "w_min_spread"), 0.0))
    point = mean.symmetry_point(mean.fabricate((1, 1), torch.Generator()))
    assert float(point) == pytest.approx((s_up - s_dn) / (s_up + s_dn))


def test_exponential_steps() -> None:
    x = torch.linspace(-80, 80, 10_001)
    torch.testing.assert_close(exp(x), x.double().exp().float(), rtol=3e-7, atol=0)
    device = PRESETS["reram-es"].device
    up = 0.00135 * (1 + 1.18445 * math.exp(-2.5))
    down = 0.00135 * (1 - 0.259359) * (1 + 0.081404 * math.exp(2.5))
    assert device.granularity == pytest.approx((up + down) / 2)


def test_variation_from_cell_to_cell() -> None:
    device = learning.LinearStep(
        step=0.01, step_spread=0.2, w_max=2.0, w_max_spread=0.1, lifetime=100.0, diffusion=0.1
    )
    cells = device.fabricate((300, 300), torch.Generator().manual_seed(1))
    assert float(cells["high"].mean()) == pytest.approx(2, rel=0.005)
    assert float(cells["high"].std()) == pytest.approx(0.2, rel=0.02)
    assert float(cells["up_0"].std()) == pytest.approx(0.002, rel=0.02)
    wide = replaced(device, {"step_spread_kind": "log-normal", "step_spread": 0.7})
    steps = wide.fabricate((300, 300), torch.Generator().manual_seed(1))["up_0"]
    assert float((steps / 0.01).log().std()) == pytest.approx(0.7, rel=0.02)


def test_crossed_bounds() -> None:
    common = {"step": 0.01, "w_max_spread": 2.0, "w_min_spread": 2.0}
    collapsed = learning.SoftBounds(crossed_bounds="collapse", **common).fabricate(
        SHAPE, torch.Generator().manual_seed(0)
    )
    dead = collapsed["low"] == collapsed["high"]
    assert 0.02 < float(dead.float().mean()) < 0.4
    assert not bool(collapsed["up_0"][dead].any() or collapsed["dn_0"][dead].any())
    mirrored = learning.SoftBounds(crossed_bounds="mirror", **common)
    cells = mirrored.fabricate(SHAPE, torch.Generator().manual_seed(0))
    assert bool((cells["low"] <= 0).all() and (cells["high"] >= 0).all())


def test_corrupt_cells_never_move() -> None:
    device = learning.device("reram-om", corrupt_probability=0.1348, diffusion=0.01)
    array = fabricate(device, (100, 100), 0)
    stuck = array.cells["low"] == array.cells["high"]
    assert float(stuck.float().mean()) == pytest.approx(0.1348, abs=0.012)
    before = array.tensors["w"].clone()
    for k in range(10):
        array.pulse(torch.ones(100, 100, dtype=torch.int32), k)
        array.after_batch(k)
    moved = array.tensors["w"] != before
    assert not bool(moved[stuck].any())
    assert float(moved[~stuck].float().mean()) > 0.99


def test_write_noise_is_drawn_where_pulses_go() -> None:
    device = learning.SoftBounds(step=0.01, write_noise=20.0)
    array = fabricate(device, (100, 100), 0)
    array.write(torch.zeros(100, 100), 1)
    before = array.weights.clone()
    assert float(before.std()) == pytest.approx(0.2, rel=0.05)
    counts = torch.zeros(100, 100, dtype=torch.int32)
    counts[:, ::2] = 1
    array.pulse(counts, 2)
    assert torch.equal(array.weights[:, 1::2], before[:, 1::2])
    assert bool((array.weights[:, ::2] != before[:, ::2]).all())
    assert float((array.weights - array.tensors["w"])[:, ::2].std()) == pytest.approx(0.2, rel=0.05)


def test_lifetime_and_diffusion() -> None:
    array = fabricate(learning.ConstantStep(step=0.01, lifetime=50.0, reset=0.25), (5, 5), 0)
    array.write(torch.full((5, 5), 0.75), 0)
    for batch in range(50):
        array.after_batch(batch)
    torch.testing.assert_close(array.weights, torch.full((5, 5), 0.25 + 0.5 * (1 - 1 / 50) ** 50))
    array = fabricate(learning.ConstantStep(step=0.01, diffusion=0.01), (100, 100), 0)
    for batch in range(25):
        array.after_batch(batch)
    assert float(array.weights.std()) == pytest.approx(0.05, rel=0.05)


def test_a_pair_takes_pulses_by_sign_and_is_refreshed() -> None:
    array = fabricate(learning.device("pcm"), (30, 30), 0)
    assert float(array.weights.abs().max()) < 1e-6
    for pulse in range(20):
        array.pulse(torch.full((30, 30), 1 if pulse % 2 else -1, dtype=torch.int32), pulse)
    plus, minus = array.plus.weights, array.minus.weights
    assert float(plus.mean()) > 0.8 and float(minus.mean()) > 0.8
    for pulse in range(30):
        array.pulse(torch.full((30, 30), 1, dtype=torch.int32), pulse)
    wanted = array.weights.clone()
    full = (array.plus.weights.maximum(array.minus.weights) > 1.5) & (
        array.plus.weights.minimum(array.minus.weights) > 0.5
    )
    assert float(full.float().mean()) > 0.3
    array.after_batch(0)
    assert float(array.minus.weights[full].mean()) < 0.1
    assert float((array.weights - wanted)[full].abs().mean()) < 0.5
    assert torch.equal(array.weights[~full], wanted[~full])
    held = tensors(array)
    assert torch.equal(restored(learning.device("pcm"), held).weights, array.weights)


@pytest.mark.parametrize(
    ("nonlinearity", "a"),
    [
        (0.1, 12.6258),
        (0.5, 2.5199),
        (1, 1.2517),
        (2, 0.609),
        (3, 0.3868),
        (4.88, 0.2003),
        (6.76, 0.1003),
        (9, 0.0228),
    ],
)
def test_nonlinearities_have_the_shapes_of_neurosims_table(nonlinearity, a) -> None:
    assert shape(nonlinearity) == pytest.approx(a, rel=4e-3)


def test_neurosims_curves() -> None:
    """The default device of NeuroSim: 97 pulses up and 100 down lead from end to end along its curves."""
    device = from_nonlinearity(levels_up=97, levels_down=100, nl_up=2.4, nl_down=-4.88)
    array = fabricate(device, (1, 1), 0)
    for levels, nonlinearity, sign in ((97, 2.4, 1), (100, 4.88, -1)):
        array.write(torch.full((1, 1), -1.0 * sign), 0)
        a = shape(nonlinearity) * levels
        for k in range(1, levels + 1):
            array.pulse(torch.full((1, 1), sign, dtype=torch.int32), k)
            curve = 2 * (1 - math.exp(-k / a)) / (1 - math.exp(-levels / a)) - 1
            assert float(array.weights) == pytest.approx(sign * curve, abs=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: learning.SoftBounds(step=0.01, w_max=-1, w_min=1),
            r"`w_min < w_max` must hold, got 1 and -1: exchange",
        ),
        (
            lambda: learning.SoftBounds(step=3),
            r"the granularity must not exceed .* of 2, got 3: lower `step`",
        ),
        (lambda: learning.SoftBounds(step=-0.1), r"`step`: must be greater than 0, got -0.1"),
        (lambda: learning.SoftBounds(step=0.1, dw_min=0.1), r"`dw_min` is no value here"),
        (lambda: learning.device("rearm-om"), r"`device` must be one of .*, did you mean reram-om\?"),
        (lambda: learning.device("pcm", a=math.nan), r"`a`: "),
        (
            lambda: from_nonlinearity(levels_up=9, levels_down=9, nl_up=1.75, nl_down=1.46),
            r"`nl_down <= 0` must hold, got 1.46: .* `piecewise`",
        ),
        (
            lambda: learning.PiecewiseStep(step=0.1, nodes_up=(0, 0), nodes_down=(0, 0)),
            r"granularity, .* above 0",
        ),
    ],
)
def test_devices_that_cannot_be_are_one_line(make, message) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
