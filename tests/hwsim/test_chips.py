import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import hwsim
from hwsim.devices import DeviceState
from hwsim.devices.pcm import Pcm
from hwsim.streams import stream

TIMES_S = (1.0, 3600.0, 86_400.0)


class CountedPcm:
    """Phase-change memory that notes how often a chip was programmed."""

    g_min_us, g_max_us = 0.0, 25.0

    def __init__(self) -> None:
        self.programmed = 0

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        self.programmed += g_target_us.shape == (2, 98)  # a chip, and not a device to try times with
        return Pcm().program(g_target_us, generator)

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        return Pcm().read(state, t_s, generator)


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 5))
    analog = hwsim.to_analog(model, hwsim.preset("pcm-rasch2023").replace({"tile.rows": 4}))
    hwsim.calibrate(analog, _data()[0])
    return analog


@pytest.fixture
def _one_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwsim.chip_states.KEPT_BYTES", 1)


def _data() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(30, 9, generator=torch.Generator().manual_seed(1)), torch.arange(30) % 5


def test_a_state_is_what_the_device_leaves_of_both_targets_with_the_chips_own_stream(net: nn.Module) -> None:
    chips = hwsim.program(net, 3, seed=4, first=2)
    weights = torch.cat([layer.normalised_weight().flatten() for layer in (net[0], net[2])])
    targets_us = torch.stack([weights.clamp(min=0), (-weights).clamp(min=0)]) * 25
    for chip in (2, 0, 1):
        expected = Pcm().program(targets_us, stream(4, "chip", 2 + chip, "program"))
        found = chips.state_of(chip)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        pair = chips.conductances("2")[chip]
        assert torch.equal(pair, expected["g_us"][:, 63:].view(2, 5, 7))


@pytest.mark.usefixtures("_one_kept")
@pytest.mark.parametrize("threads", [1, 3])
def test_an_evaluation_draws_each_chip_once(net: nn.Module, threads: int) -> None:
    device, before = CountedPcm(), torch.get_num_threads()
    chips = hwsim.program(net, 6, device=device)
    assert device.programmed == 1  # a broken device is found at once
    try:
        torch.set_num_threads(threads)
        hwsim.accuracy_over_time(chips, *_data(), TIMES_S)
    finally:
        torch.set_num_threads(before)
    # a thread that was overtaken may draw a chip again
    assert device.programmed == 6 if threads == 1 else 6 <= device.programmed < 18


def test_how_many_are_kept_changes_nothing(net: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    def curve() -> hwsim.DriftCurve:
        return hwsim.accuracy_over_time(hwsim.program(net, 5), *_data(), TIMES_S)

    many = curve()
    monkeypatch.setattr("hwsim.chip_states.KEPT_BYTES", 1)
    one = curve()
    assert np.array_equal(many.correct, one.correct)


@pytest.mark.usefixtures("_one_kept")
def test_the_state_of_all_chips_is_that_of_each_and_what_is_changed_in_it_counts(net: nn.Module) -> None:
    chips, untouched = hwsim.program(net, 3), hwsim.program(net, 3)
    for name, tensor in chips.state.items():
        assert tensor.shape == (3, 2, 98)
        assert torch.equal(tensor, torch.stack([untouched.state_of(chip)[name] for chip in range(3)]))
    chips.state["g_us"][1] = 0  # broken devices
    for changed in (chips, chips.to("cpu"), copy.deepcopy(chips)):
        weights = [changed.at(60.0, chip).weights["0"] for chip in range(3)]
        assert [bool(weight.any()) for weight in weights] == [True, False, True]
        assert torch.equal(weights[2], untouched.at(60.0, 2).weights["0"])


def test_chips_are_copied_and_sent_to_other_processes(net: nn.Module) -> None:
    chips = hwsim.program(net, 2, seed=3)
    for copied in (copy.deepcopy(chips), pickle.loads(pickle.dumps(chips)), chips.to("cpu")):
        assert torch.equal(copied.at(60.0, 1).weights["2"], chips.at(60.0, 1).weights["2"])


@pytest.mark.usefixtures("_one_kept")
def test_weights_that_change_before_a_chip_is_drawn_are_told(net: nn.Module) -> None:
    chips = hwsim.program(net, 2)
    with torch.no_grad():
        net[0].weight.zero_()  # the chips have their own
        first = chips.at(0.0, 1).weights["0"]
        chips.net[2].weight[0, 0] += 1e-3
    assert first.any()
    with pytest.raises(ValueError, match=r"got others in `2` of `chips\.net`: call hwsim.program again"):
        chips.at(0.0, 0)


@pytest.mark.parametrize(("chip", "error"), [(2, ValueError), (-1, ValueError), (0.5, TypeError)])
def test_a_chip_that_was_not_programmed_has_no_state(
    net: nn.Module, chip: int, error: type[Exception]
) -> None:
    with pytest.raises(error, match="chip"):
        hwsim.program(net, 2).state_of(chip)
