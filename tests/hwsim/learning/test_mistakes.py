"""What people get wrong with arrays that learn: it is told in one line, and nothing is corrupted."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from hwsim import learning
from hwsim.learning.algorithms.zero_shifting import enough_pairs, zero_shift
from hwsim.learning.devices.neurosim import from_nonlinearity
from hwsim.learning.fabrication import fabricate
from hwsim.learning.layers import TileParameter
from hwsim.learning.pulse_trains import PulseTrains


def weights() -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(2, 2))]


def stepped(optimizer: torch.optim.Optimizer, **changed: Any) -> None:
    """Change a group as a user may, and train."""
    optimizer.param_groups[0].update(changed)
    for parameter in optimizer.param_groups[0]["params"]:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()


def array() -> Any:
    return fabricate(learning.device("ecram"), (2, 3), 0)


def loaded_from_another() -> None:
    learning.MixedPrecision(weights()).load_state_dict(learning.AGAD(weights()).state_dict())


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "a preset of a group": (lambda: learning.AGAD([{"params": weights(), "device": "ecrma"}]), "did you mean ecram"),
    "a fast preset of a group": (
        lambda: learning.AGAD([{"params": weights(), "fast_device": "x"}]), "`device` must be",
    ),
    "another algorithm's state": (loaded_from_another, "a state dictionary of MixedPrecision is needed"),
    "an interval changed to 0": (
        lambda: stepped(learning.MixedPrecision(weights()), transfer_every=0), "`transfer_every >= 1` must hold, got 0",
    ),
    "a rate changed below 0": (lambda: stepped(learning.AnalogSGD(weights()), lr=-1), "change the sign of the loss"),
    "a word for a switch": (
        lambda: learning.AnalogSGD(weights(), update_management="no"), "must be True or False, got 'no'",
    ),
    "counts of another shape": (lambda: array().pulse(torch.ones(1, 1, dtype=torch.int32), 0), r"shape \(2, 3\)"),
    "half a pulse": (lambda: array().pulse(torch.full((2, 3), 0.5), 0), "whole numbers of pulses"),
    "trains of another shape": (
        lambda: array().coincide(PulseTrains(*(torch.ones(1, 2, dtype=torch.int32) for _ in "xd")), 0),
        r"for the \(2, 3\) cells of the array, got \(2, 2\)",
    ),
    "a name for a device": (lambda: fabricate("ecram", (2, 2), 0), r"learning.device\(name\)"),  # type: ignore[arg-type]
    "no range on one side": (
        lambda: learning.LinearStep(step=0.1, slope_reference="mean", w_max=0.0, w_min=-1.0), "`w_min < 0 < w_max`",
    ),
    "a pair of a name": (lambda: learning.PairedDevice(of="pcm"), "`of"),
    "a pair that never refreshes": (
        lambda: learning.PairedDevice(of=learning.ConstantStep(step=0.1), refresh_above=2), "`refresh_above`: must be",
    ),
    "steps that grow downward": (
        lambda: from_nonlinearity(levels_up=9, levels_down=9, nl_up=1, nl_down=3), "`nl_down <= 0` must hold, got 3",
    ),
    "beyond the table": (
        lambda: from_nonlinearity(levels_up=9, levels_down=9, nl_up=12, nl_down=0), "`nl_up <= 9.0` must hold.*table",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_it_is_told_in_one_line(case: str) -> None:
    make, message = WRONG[case]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_the_gradients_that_a_network_forgets_are_forgotten_by_its_arrays() -> None:
    net = learning.on_tiles(nn.Linear(3, 2), periphery="ideal")
    x = torch.ones(4, 3)
    for _ in range(3):
        net.zero_grad()
        net(x).sum().backward()
    assert len(net.weight.factors) == 1
    torch.testing.assert_close(net.weight.grad, torch.full((2, 3), 4.0))


def test_a_layer_that_is_used_twice_keeps_both_factors() -> None:
    net = learning.on_tiles(nn.Linear(3, 3), periphery="ideal")
    net(net(torch.ones(4, 3))).sum().backward()
    assert len(net.weight.factors) == 2


def test_a_network_is_saved_and_loaded_with_its_arrays() -> None:
    net = learning.on_tiles(nn.Linear(3, 2))
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    assert isinstance(again.weight, TileParameter)
    assert again.weight.scale == net.weight.scale
    assert torch.equal(again.weight, net.weight)


@pytest.mark.parametrize("name", ["capacitor", "ecram", "reram-om"])
def test_zero_shifting_goes_on_until_the_cells_have_arrived(name: str) -> None:
    device = learning.device(name).model_copy(update={"cycle_noise": 0.0, "write_noise": 0.0})
    cells = fabricate(device, (8, 8), 0)
    pairs = enough_pairs(cells, device.n_states)
    expected = cells.symmetry_point()
    found = zero_shift(cells, pairs, 0)
    assert float((found - expected).abs().median()) < 0.05
