"""What the devices of few equations do: charge trap, charge sharing, simple errors, non-linear currents, faults."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import hwsim
from hwsim.characterize import characterize
from hwsim.devices import Generic, ReramMilo, Sonos, SramCharge
from hwsim.faults import FaultSpec, Faulty
from hwsim.kernels import library as kernels

N = 100_000


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_spread_of_sonos_is_as_published() -> None:
    quiet = Sonos(read_noise_scale=0.0, drift_scale=0.0)
    found = characterize(quiet, [0.0, 4.0], [0.0, 5 * 86_400.0], N, seed=0)
    assert (found[0].std_us, found[0].mean_us) == (0.0, 0.0)
    assert 200 * found[2].std_us == pytest.approx(19.67, rel=0.01)  # 800 nA
    assert 200 * found[3].std_us == pytest.approx(34.58 * (1 - math.exp(-800 / 207.3)), rel=0.01)


def test_a_sonos_device_keeps_its_deviation_over_time() -> None:
    device = Sonos(read_noise_scale=0.0)
    state = device.program(torch.full((1000,), 5.0), seeded())
    early, late = (device.read(state, t_s, seeded()) for t_s in (0.0, 5 * 86_400.0))
    assert torch.equal(early, state["g_us"])
    assert float(torch.corrcoef(torch.stack([early, late]))[0, 1]) > 0.999


@pytest.mark.parametrize(
    ("device", "t_s", "message"),
    [
        (Sonos(), 5 * 86_400.0 + 1, "measured for 5 days"),
        (Sonos(16.0), 1.0, r"`0 <= t_s <= 0`.*up to `g_max_us` 9"),
    ],
)
def test_sonos_is_not_extrapolated(device, t_s, message) -> None:
    with pytest.raises(ValueError, match=message):
        characterize(device, [1.0], [t_s], 1, 0)


def test_static_memory_is_exact_without_mismatch_and_varies_with_it() -> None:
    levels = torch.arange(16) / 15
    exact = SramCharge(4, 0.0).program(levels + 0.02, seeded())["g_us"]
    assert torch.allclose(exact, levels, atol=1e-6)
    device = SramCharge(3, 0.1)
    (five,) = characterize(device, [5 / 7], [1e9], N, 0)  # bits of 1 and 4
    assert five.mean_us == pytest.approx(5 / 7, rel=0.005)
    assert five.std_us == pytest.approx(0.1 * math.hypot(1, 4) / 7, rel=0.01)
    state = device.program(levels, seeded())
    assert torch.equal(device.read(state, 0.0, seeded()), device.read(state, 1e9, torch.Generator()))


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize(
    ("dependence", "sizes"),
    [("independent", (1.0, 1.0)), ("proportional", (0.5, 1.0)), ("inverse", (0.4, 0.2))],
)
def test_simple_errors_have_their_size(distribution, dependence, sizes) -> None:
    device = Generic(20.0, 4.0, distribution, dependence, 0.01, 0.02)
    for measured, size in zip(characterize(device, [10.0, 20.0], [1.0], N, 0), sizes, strict=True):
        shape = 1 if distribution == "normal" else 1 / math.sqrt(3)
        assert measured.std_us == pytest.approx(20 * math.hypot(0.01, 0.02) * size * shape, rel=0.02)
        assert measured.mean_us == pytest.approx(measured.g_us, rel=0.002)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "generic", "programming": 0.1, "dependence": "inverse"}, "`g_min_us > 0` must hold"),
        (
            {"kind": "generic", "programming": 0.1, "g_min_us": 30},
            "`g_min_us < g_max_us` must hold, got 30 and 25",
        ),
        ({"kind": "generic"}, "`device.programming`: must be given"),
        ({"kind": "sram-charge", "bits": 4}, "`device.mismatch`: must be given"),
        ({"kind": "photonic"}, "`device.kind`: `photonic` has no model: no statistics"),
        ({"kind": "fefet"}, "`fefet` has no model: resistances and numbers of levels"),
        ({"kind": "pcn"}, "must be one of pcm"),
    ],
)
def test_no_default_is_invented(values, message) -> None:
    with pytest.raises(ValueError, match=message):
        hwsim.preset("pcm-rasch2023").replace({"device": values})


def _current(g_us: np.ndarray, v: float) -> np.ndarray:
    """Return the current of Milo's devices, A, by numpy."""
    x = np.log10(g_us * 1e-6)
    square = np.polyval([1.388e-4, 1.541e-3, 5.711e-3, 7.063e-3], x)
    cube = np.polyval([8.8710e-5, 6.7919e-4, 1.2968e-3], x)
    return g_us * 1e-6 * v + square * v**2 + cube * v**3


def test_currents_of_milos_devices_follow_their_voltages() -> None:
    hardware = hwsim.preset("floating-point").replace(
        {"device": {"kind": "reram-milo2022", "amplitude_v": 0.4}}
    )
    model = nn.Linear(3, 2, bias=False)
    net = hwsim.to_analog(model, hardware)
    chips = hwsim.program(net, n=1)
    u = torch.tensor([[0.5, -1.0, 0.25], [1.0, 1.0, -0.75]])
    ((_, _, found),) = hwsim.outputs(chips, u, 1)
    pairs = chips.conductances("")[0].double().numpy()
    currents = sum(
        sign * np.stack([_current(g[:, row], 0.4 * float(u[item, row])) for row in range(3)]).sum(0) * 1.0
        for sign, g in ((1, pairs[0]), (-1, pairs[1]))
        for item in [0]
    )
    scale = net.column_scales()[0].detach().numpy() / (175e-6 * 0.4)
    assert np.allclose(found[0].numpy(), currents * scale, rtol=1e-3, atol=1e-5)
    linear = hwsim.to_analog(model, hardware.replace({"device.amplitude_v": None}))
    ((_, _, plain),) = hwsim.outputs(hwsim.program(linear, n=1), u, 1)
    assert not torch.allclose(plain, found, rtol=0.01)


@pytest.mark.parametrize("scaling", ["static", "dynamic"])
def test_nonlinear_devices_run_in_convolutions_and_many_chips_at_once(scaling, monkeypatch) -> None:
    monkeypatch.setattr(kernels, "library", lambda: None)  # as on a GPU
    from hwsim.batched import BatchedChips
    from hwsim.inputs import Inputs
    from hwsim.noise import NoisePool

    hardware = hwsim.preset("ideal-8bit").replace(
        {
            "device": {"kind": "reram-milo2022", "amplitude_v": 0.5},
            "converters.input_scaling": scaling,
            "tile.rows": 16,
        }
    )
    net = hwsim.to_analog(
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2)), hardware
    )
    x = torch.randn(5, 2, 4, 4, generator=seeded())
    hwsim.calibrate(net, x)
    chips = hwsim.program(net, n=2)
    alone = [outputs for _, _, outputs in hwsim.outputs(chips, x, 1)]
    with torch.no_grad():
        batched = BatchedChips(chips, NoisePool(seeded()), 5)
        together = batched.evaluate(range(2), 1.0, Inputs((x,)), lambda y, *_: y)
    for one, other in zip(alone, together, strict=True):
        assert torch.allclose(one, other, atol=0.05 * float(one.abs().max()))


def test_milo_devices_are_linear_without_an_amplitude() -> None:
    assert not ReramMilo().is_nonlinear and ReramMilo(amplitude_v=0.1).is_nonlinear


def faulty_net(**shares: float) -> nn.Module:
    torch.manual_seed(0)
    hardware = hwsim.preset("pcm-analognas").replace({"faults": shares})
    net = hwsim.to_analog(nn.Sequential(nn.Linear(40, 50), nn.Linear(50, 10)), hardware)
    hwsim.calibrate(net, torch.randn(20, 40, generator=seeded()))
    return net


def test_shares_of_devices_are_stuck_for_ever_and_all_others_are_as_without_faults(tmp_path) -> None:
    net = faulty_net(on=0.05, off=0.1, at_value=0.02, value=0.25)
    chips, healthy = (hwsim.program(one, n=2, seed=3) for one in (net, faulty_net()))
    state = chips.state_of(1)
    stuck = state["stuck_us"]
    n = stuck.numel()
    for at_us, share in ((25.0, 0.05), (0.0, 0.1), (6.25, 0.02)):
        assert float((stuck == at_us).sum()) / n == pytest.approx(share, abs=4 * math.sqrt(share / n))
    works = stuck < 0
    assert torch.equal(state["g_us"][works], healthy.state_of(1)["g_us"][works])
    assert torch.equal(state["g_us"][~works], stuck[~works])
    year = chips.device.read(state, 3.2e7, seeded())
    assert torch.equal(year[~works], stuck[~works]) and not torch.equal(year[works], state["g_us"][works])
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    again = hwsim.load_chips(net, tmp_path / "chips.safetensors")
    assert torch.equal(again.at(1e6, 1).weights["0"], chips.at(1e6, 1).weights["0"])


def test_a_map_says_which_devices_are_stuck_on_all_chips(tmp_path) -> None:
    net = faulty_net()
    stuck = torch.full((2, 50, 40), math.nan)
    stuck[0, 3, 4], stuck[1, 3, 4], stuck[0, 7] = 1.0, 0.0, 0.5
    chips = hwsim.program(net, n=2, faults={"0": stuck})
    for chip in range(2):
        weights = chips.at(1e6, chip).weights["0"]
        assert float(weights[3, 4]) == 1.0
    assert torch.equal(chips.conductances("0")[:, 0, 7], torch.full((2, 40), 12.5))
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    again = hwsim.load_chips(net, tmp_path / "chips.safetensors")
    assert isinstance(again.device, Faulty)
    assert torch.equal(again.at(1e6, 1).weights["0"], chips.at(1e6, 1).weights["0"])


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"2": torch.zeros(2, 50, 40)}, "must name analog layers"),
        ({"0": torch.zeros(50, 40)}, r"must be \(2, 50, 40\) floating-point numbers, got \(50, 40\)"),
        ({"0": torch.full((2, 50, 40), 2.0)}, "must be NaN, for a device that works, or from 0 to 1"),
    ],
)
def test_wrong_maps_are_told(faults, message) -> None:
    with pytest.raises(ValueError, match=message):
        hwsim.program(faulty_net(), n=1, faults=faults)


def test_accuracy_falls_with_the_share_of_faults() -> None:
    x = torch.randn(200, 40, generator=seeded())
    losses = []
    for share in (0.0, 0.02, 0.1):
        net = faulty_net(off=share / 2, on=share / 2)
        y = hwsim.to_digital(net)(x).argmax(1)
        losses.append(1 - hwsim.accuracy_over_time(hwsim.program(net, n=3), x, y, 1).mean[0])
    assert losses == sorted(losses) and losses[2] > losses[0] + 0.05


def test_wrong_shares_are_told() -> None:
    with pytest.raises(ValueError, match=r"`on \+ off \+ at_value <= 1` must hold, got 1.2"):
        hwsim.preset("pcm-rasch2023").replace({"faults": {"on": 0.6, "off": 0.6}})
    assert FaultSpec().build(ReramMilo()) == ReramMilo()
