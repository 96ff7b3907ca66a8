import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hwsim
from hwsim.curve import half_width

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


def test_chips_of_a_seed_may_be_programmed_in_several_batches(problem, tmp_path: Path) -> None:
    model, x, y = problem
    every = _chips(model, x, 5)
    late = hwsim.program(every.net, n=2, seed=0, first=3)
    hwsim.save_chips(late, tmp_path / "chips.safetensors")
    loaded = hwsim.load_chips(every.net, tmp_path / "chips.safetensors")
    expected = hwsim.accuracy_over_time(every, x, y, TIMES_S[:2]).accuracy[:, 3:]
    for chips in (late, loaded, late.to("cpu")):
        assert torch.equal(chips.conductances("6"), every.conductances("6")[3:])
        assert np.array_equal(hwsim.accuracy_over_time(chips, x, y, TIMES_S[:2]).accuracy, expected)


def test_a_chip_is_the_same_with_any_number_of_threads() -> None:
    net = hwsim.to_analog(nn.Linear(400, 300), hwsim.preset("pcm-rasch2023"))
    before, chips = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            programmed = hwsim.program(net, n=2)
            chips.append([programmed.state["g_us"], programmed.at(3600.0, 1).weights[""]])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for other in chips[1:] for a, b in zip(chips[0], other, strict=True))


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


def test_confidence_stops_at_the_first_chip_at_which_every_interval_is_narrow(problem) -> None:
    model, x, y = problem
    chips = _chips(model, x, 12)
    every = hwsim.accuracy_over_time(chips, x, y, TIMES_S)
    widths = [100 * half_width(every.accuracy[:, :n]) for n in range(3, 13)]
    wanted = sorted(widths)[len(widths) // 2]
    stopped = hwsim.accuracy_over_time(chips, x, y, TIMES_S, confidence=wanted)
    n = 3 + next(i for i, width in enumerate(widths) if width <= wanted)
    assert n < 12
    assert np.array_equal(stopped.accuracy, every.accuracy[:, :n])
    with pytest.raises(ValueError, match="confidence"):
        hwsim.accuracy_over_time(chips, x, y, TIMES_S, confidence=0.0)


def test_the_interval_is_that_of_students_t() -> None:
    accuracy = np.array([[0.5, 0.7], [0.6, 0.6]])
    assert half_width(accuracy) == pytest.approx(12.706 * np.std([0.5, 0.7], ddof=1) / 2**0.5, rel=1e-3)


def test_paired_chips_tell_networks_apart_more_sharply_than_unpaired_ones(problem) -> None:
    model, x, y = problem
    nearly = copy.deepcopy(model)
    with torch.no_grad():
        nearly[6].weight += 0.01 * torch.randn(
            nearly[6].weight.shape, generator=torch.Generator().manual_seed(0)
        )
    times = [86_400.0]
    first, second = (hwsim.accuracy_over_time(_chips(net, x, 16), x, y, times) for net in (model, nearly))
    difference = first.minus(second)
    assert difference.mean[0] == pytest.approx(first.mean[0] - second.mean[0])
    unpaired = float(np.sqrt((first.std[0] ** 2 + second.std[0] ** 2) / 16))
    assert difference.standard_error[0] < 0.8 * unpaired
    with pytest.raises(ValueError, match="same times"):
        first.minus(hwsim.accuracy_over_time(_chips(model, x, 1), x, y, [1.0]))


def test_adabs_recovers_accuracy_that_uncompensated_drift_cost(problem) -> None:
    model, x, y = problem
    chips = _chips(model, x, 4, compensation="none")
    statistics = chips.net[1].running_mean.clone()
    bare = hwsim.accuracy_over_time(chips, x, y, [31_536_000.0])
    adapted = hwsim.accuracy_over_time(chips, x, y, [31_536_000.0], adabs_inputs=x[:200])
    assert adapted.mean[0] > bare.mean[0] + 0.02
    assert torch.equal(chips.net[1].running_mean, statistics)
    with pytest.raises(ValueError, match="at least 2"):
        hwsim.accuracy_over_time(chips, x, y, [1.0], adabs_inputs=x[:1])


def test_autocast_changes_nothing(problem) -> None:
    model, x, y = problem
    chips = _chips(model, x, 2)
    wanted = hwsim.accuracy_over_time(chips, x, y, TIMES_S[:2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert hwsim.accuracy_over_time(chips, x, y, TIMES_S[:2]) == wanted


def test_adabs_takes_any_number_of_inputs_in_batches_of_like_size() -> None:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    net = hwsim.to_analog(
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)), "floating-point"
    )
    x = torch.randn(9, 4, generator=torch.Generator().manual_seed(1))
    x[-1] = 100.0
    mean, seen = (x @ net[0].weight.T + net[0].bias).mean(0), []
    net[1].register_forward_hook(lambda norm, *_: seen.append((norm.training, norm.running_mean.clone())))
    chips = hwsim.program(net, n=1)
    for batch_size in (9, 8, 4, 1):
        hwsim.accuracy_over_time(
            chips, x[:2], torch.zeros(2, dtype=torch.long), 1.0, adabs_inputs=x, batch_size=batch_size
        )
        measured = [running_mean for training, running_mean in seen if training][-1]
        assert (measured - mean).norm() < 0.2 * mean.norm()  # parts of 5 and 4 inputs count the same


def test_chips_travel_through_a_file(problem, tmp_path: Path) -> None:
    model, x, y = problem
    chips = _chips(model, x, 3)
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    blank = copy.deepcopy(chips.net)
    for parameter in blank.parameters():
        parameter.data.zero_()
    loaded = hwsim.load_chips(blank, tmp_path / "chips.safetensors")
    before, after = (hwsim.accuracy_over_time(some, x, y, TIMES_S[:3]) for some in (chips, loaded))
    assert np.array_equal(before.accuracy, after.accuracy)
    with pytest.raises(ValueError, match="must have the layers of the chips"):
        hwsim.load_chips(
            hwsim.to_analog(nn.Linear(3, 3), hwsim.preset("pcm-analognas")), tmp_path / "chips.safetensors"
        )
    other = hwsim.to_analog(model, hwsim.preset("ideal-8bit"))
    with pytest.raises(ValueError, match="must be made for the hardware of the chips"):
        hwsim.load_chips(other, tmp_path / "chips.safetensors")
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(ValueError, match="safetensors"):
        hwsim.load_chips(blank, tmp_path / "text")


def test_inputs_that_are_not_finite_or_of_the_wrong_shape_are_explained(problem) -> None:
    model, x, y = problem
    chips = _chips(model, x, 1)
    with pytest.raises(ValueError, match="finite"):
        hwsim.accuracy_over_time(chips, x * float("nan"), y, [1.0])
    with pytest.raises(ValueError, match=r"\(batch, 1, height, width\)"):
        hwsim.accuracy_over_time(chips, x.expand(-1, 2, -1, -1), y, [1.0])
    with torch.no_grad():
        chips.net[6].weight[0, 0] = float("inf")
    with pytest.raises(ValueError, match="finite"):
        hwsim.program(chips.net, n=1)


def test_weights_outside_the_devices_validity_are_refused(problem) -> None:
    model, x, y = problem
    net = hwsim.to_analog(model, hwsim.preset("reram-wan2022"))
    hwsim.calibrate(net, [x])
    with pytest.raises(ValueError, match="measured for 2 days"):
        hwsim.accuracy_over_time(hwsim.program(net, n=1), x, y, [259_200.0])


def test_collapsed_pairs_have_one_device_at_zero(problem) -> None:
    model, _, _ = problem
    hardware = hwsim.preset("pcm-analognas").replace({"pairs": "collapsed"})
    plus, minus = hwsim.program(hwsim.to_analog(model, hardware), n=1).conductances("6").unbind(1)
    assert ((plus == 0) | (minus == 0)).all()


def test_a_curve_knows_every_image_on_every_chip(problem) -> None:
    model, x, y = problem
    chips = _chips(model, x, 8)
    curve = hwsim.accuracy_over_time(chips, x, y, TIMES_S[:2])
    assert curve.correct is not None
    assert curve.correct.shape == (2, 8, len(y))
    assert np.array_equal(curve.correct.mean(axis=2), curve.accuracy)
    assert curve == hwsim.DriftCurve(curve.times_s, curve.accuracy)
    early = hwsim.accuracy_over_time(chips, x, y, TIMES_S[:2], confidence=50.0)
    assert early.correct is not None
    assert early.correct.shape == (2, 3, len(y))
    assert np.array_equal(early.correct, curve.correct[:, :3])


@pytest.mark.parametrize(
    "correct", [np.ones((1, 2)), np.ones((1, 3, 4), bool), np.ones((1, 2, 4)), np.ones((1, 2, 0), bool)]
)
def test_images_of_a_curve_must_fit_its_accuracies(correct) -> None:
    with pytest.raises(ValueError, match=r"`correct` must be `\(1, 2, images\)` bool, got"):
        hwsim.DriftCurve((1.0,), np.ones((1, 2)), correct)
