import numpy as np
import pytest
import torch
from torch import nn

import hwsim

TIMES_S = (1.0, 3600.0, 86_400.0, 2_592_000.0, 31_536_000.0)


@pytest.fixture(scope="module")
def problem() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A trained classifier of eight noisy prototypes."""
    generator = torch.Generator().manual_seed(0)
    prototypes = torch.randn(8, 1, 6, 6, generator=generator)
    y = torch.arange(400) % 8
    x = prototypes[y] + 1.8 * torch.randn(400, 1, 6, 6, generator=generator)
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(32, 8),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model.eval(), x, y


def _chips(
    model: nn.Module, x: torch.Tensor, n: int, seed: int = 0, compensation: str = "global"
) -> hwsim.Chips:
    hardware = hwsim.preset("pcm-analognas").replace({"compensation.kind": compensation, "tile.rows": 20})
    net = hwsim.to_analog(model, hardware)
    hwsim.calibrate(net, [x])
    return hwsim.program(net, n=n, seed=seed)


def test_accuracy_falls_with_drift_and_less_so_with_compensation(problem) -> None:
    model, x, y = problem
    bare = hwsim.accuracy_over_time(_chips(model, x, 8, compensation="none"), x, y, TIMES_S)
    compensated = hwsim.accuracy_over_time(_chips(model, x, 8), x, y, TIMES_S)
    fall = bare.mean[0] - bare.mean[-1]
    assert fall > 0.1
    assert compensated.mean[0] - compensated.mean[-1] < 0.6 * fall
    assert compensated.avm == pytest.approx(compensated.mean[0] - compensated.mean[3])
    assert (compensated.std > 0).all()


def test_curves_are_reproducible_whatever_the_batch_and_the_number_of_chips(problem) -> None:
    model, x, y = problem
    few = hwsim.accuracy_over_time(_chips(model, x, 2), x, y, TIMES_S[:2])
    many = hwsim.accuracy_over_time(_chips(model, x, 4), x, y, TIMES_S[:2], batch_size=37)
    assert np.array_equal(few.accuracy, many.accuracy[:, :2])
    other = hwsim.accuracy_over_time(_chips(model, x, 2, seed=1), x, y, TIMES_S[:2])
    assert not np.array_equal(few.accuracy, other.accuracy)


def test_both_devices_of_a_pair_are_drawn_on_their_own(problem) -> None:
    model, x, _ = problem
    chips = _chips(model, x, 3)
    plus, minus = chips.conductances("6").unbind(1)
    target = chips.net.get_submodule("6").normalised_weight() * 25
    assert (
        torch.corrcoef(torch.stack([(plus - target.clamp(min=0)).flatten(), minus.flatten()]))[0, 1].abs()
        < 0.5
    )
    assert (minus[:, target > 0] > 0).any()  # a target of 0 is programmed with noise too
    assert not torch.equal(plus[0], plus[1])
    again = _chips(model, x, 1).conductances("6")[0]
    assert torch.equal(again, chips.conductances("6")[0])


@pytest.mark.parametrize("t_s", [0.0, 315_360_000.0])
def test_nothing_breaks_at_the_ends_of_time_or_for_zero_weights(t_s: float) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        model[0].weight.zero_()
    net = hwsim.to_analog(model, hwsim.preset("pcm-rasch2023"))
    hwsim.calibrate(net, [torch.zeros(8, 4)])
    chips = hwsim.program(net, n=2)
    for chip in range(2):
        reading = chips.at(t_s, chip)
        assert all(bool(torch.isfinite(weight).all()) for weight in reading.weights.values())
        assert all(bool(torch.isfinite(factor).all()) for factor in reading.compensation.values())
    curve = hwsim.accuracy_over_time(chips, torch.zeros(8, 4), torch.zeros(8, dtype=torch.int64), [t_s])
    assert np.isfinite(curve.accuracy).all()


def test_one_chip_has_no_spread(problem) -> None:
    model, x, y = problem
    curve = hwsim.accuracy_over_time(_chips(model, x, 1), x, y, [1.0])
    assert curve.std.tolist() == [0.0]
    assert curve.at(1).std == 0.0


def test_bad_requests_are_explained(problem) -> None:
    model, x, y = problem
    chips = _chips(model, x, 1)
    with pytest.raises(ValueError, match=r"got -1"):
        hwsim.accuracy_over_time(chips, x, y, [-1.0])
    with pytest.raises(ValueError, match="at least one time"):
        hwsim.accuracy_over_time(chips, x, y, [])
    with pytest.raises(ValueError, match="same length"):
        hwsim.accuracy_over_time(chips, x, y[:-1], [1.0])
    with pytest.raises(ValueError, match="at least 1, got 0"):
        hwsim.accuracy_over_time(chips, x[:0], y[:0], [1.0])
    with pytest.raises(ValueError, match="got 0"):
        hwsim.program(chips.net, n=0)
    with pytest.raises(ValueError, match="evaluated times 1 s, got 60"):
        hwsim.accuracy_over_time(chips, x, y, [1.0]).at(60)
