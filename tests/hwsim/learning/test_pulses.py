"""Pulse trains: their statistics, the managements of the update, and the compiled kernel against torch's operations."""

import pytest
import torch

from hwsim import learning
from hwsim.learning.fabrication import fabricate
from hwsim.learning.kernels import plain, pulses
from hwsim.learning.kernels.random_numbers import normals, pool
from hwsim.learning.pulse_trains import PulseSettings, probabilities, trains
from hwsim.learning.update import Gradient, apply, expected_counts

LINEAR = learning.ConstantStep(step=0.001, w_max=100, w_min=-100)
"""Counts pulses: every one moves its cell by 0.001, far from any bound."""
KERNEL = ["gokmen-vlasov", "reram-sb", "reram-es", "ecram", "reram-om", "pcm"]


def values(samples: int, columns: int, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(samples, columns, generator=generator), torch.randn(samples, rows, generator=generator)


def test_coincidences_are_binomial_with_the_mean_that_is_wanted() -> None:
    x, d = values(1, 7, 5)
    lr, draws = 0.004, 3000
    p = probabilities(x, d, lr, LINEAR.granularity, PulseSettings())
    slots = int(p.slots)
    chance = p.d[0][:, None] * p.x[0]
    made = trains(x.expand(draws, -1), d.expand(draws, -1), lr, LINEAR.granularity, PulseSettings(), 11)
    both = (made.x[:, None, :] & made.d[:, :, None]) & plain.BITS
    count = sum(((both >> slot) & 1).double() for slot in range(31))
    assert isinstance(count, torch.Tensor)
    wanted = lr * (d[0][:, None] * x[0]).abs() / LINEAR.granularity
    torch.testing.assert_close(slots * chance, wanted, rtol=1e-5, atol=1e-6)
    variance = slots * chance * (1 - chance)
    error = (variance / draws).sqrt()
    assert bool(((count.mean(0) - wanted).abs() < 4 * error + 1e-3).all())
    assert float(((count.mean(0) - wanted) / error).square().mean()) == pytest.approx(1, abs=0.8)
    assert float((count.var(0) / variance).mean()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("management", [True, False])
def test_an_update_moves_cells_by_its_mean(management) -> None:
    x, d = values(4, 30, 20)
    array = fabricate(LINEAR, (20, 30), 0)
    settings = PulseSettings(update_management=management, bound_management=management)
    n = 100 if management else 60
    for seed in range(n):
        apply(array, Gradient(d.T @ x, x, d), 0.002, LINEAR.granularity, settings, seed)
    wanted = -0.002 * (d.T @ x)
    assert float((array.weights / n - wanted).abs().max()) < 0.003
    assert float((array.weights / n - wanted).abs().mean()) < 0.0006


def test_no_probability_is_above_one_and_the_largest_row_is_the_one_that_is_clipped() -> None:
    x, d = values(50, 30, 20)
    weak = probabilities(x, d, 0.001, 0.001, PulseSettings())
    unclipped = (weak.x.amax(1) * weak.d.amax(1)) * weak.slots
    strength = x.abs().amax(1) * d.abs().amax(1)
    torch.testing.assert_close(unclipped, strength)
    torch.testing.assert_close(weak.x.amax(1), weak.d.amax(1))
    assert bool((weak.slots == strength.ceil()).all())
    strong = probabilities(x, d, 1.0, 0.001, PulseSettings())
    assert bool((strong.slots == 31).all() and (strong.x.amax(1) > 0.999).all() and (strong.d <= 1).all())
    small = x.abs() < 0.5 * x.abs().amax(1, keepdim=True)
    assert bool((strong.x[small] < 0.51).all())


def test_nothing_comes_of_nothing() -> None:
    x, d = values(3, 30, 20)
    d[1] = 0
    made = trains(x, d, 0.001, 0.001, PulseSettings(), 0)
    p = probabilities(x, d, 0.001, 0.001, PulseSettings())
    assert int(p.slots[1]) == 0 and len(made.x) == 2
    assert len(trains(x, d * 0, 0.001, 0.001, PulseSettings(), 0).x) == 0


def test_long_trains_take_several_words() -> None:
    x, d = values(2, 6, 5)
    made = trains(x, d, 1.0, 0.001, PulseSettings(most_slots=100), 0)
    assert len(made.x) == 8
    bits = (made.x.long() & plain.BITS).max()
    assert int(bits) >= 1 << 29


def test_the_expected_form_has_the_mean_of_the_pulses() -> None:
    x, d = values(8, 30, 20)
    up, down = expected_counts(Gradient(d.T @ x, x, d), 3.0)
    torch.testing.assert_close(up - down, -3 * (d.T @ x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(up + down, 3 * (d.abs().T @ x.abs()), rtol=1e-4, atol=1e-4)
    device = learning.SoftBounds(step=0.0005, up_down=0.3)
    drawn, meant = fabricate(device, (20, 30), 0), fabricate(device, (20, 30), 0)
    for seed in range(100):
        apply(drawn, Gradient(d.T @ x, x, d), 0.001, device.granularity, PulseSettings(), seed)
        apply(meant, Gradient(d.T @ x, x, d), 0.001, device.granularity, PulseSettings(), seed, "expected")
    torch.testing.assert_close(drawn.weights, meant.weights, rtol=0, atol=0.03)
    assert abs(float((drawn.weights - meant.weights).mean())) < 0.002
    assert abs(float(meant.weights.mean())) > 0.01  # asymmetry moved them


def test_a_gradient_alone_is_rounded_to_its_mean() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(20, 30, generator=generator)
    array = fabricate(LINEAR, (20, 30), 0)
    for seed in range(200):
        apply(array, Gradient(matrix), 0.0007, LINEAR.granularity, PulseSettings(), seed)
    torch.testing.assert_close(array.weights, -0.14 * matrix, rtol=0, atol=0.03)


@pytest.mark.parametrize("name", KERNEL)
def test_the_kernel_equals_torch(name, monkeypatch: pytest.MonkeyPatch) -> None:
    if pulses.library() is None:
        pytest.skip("no compiled kernel")
    device = learning.device(name)
    x, d = values(6, 45, 33)
    counts = torch.randint(-4, 5, (33, 45), generator=torch.Generator().manual_seed(2), dtype=torch.int32)
    found = []
    for switch in ("", "off"):
        monkeypatch.setenv("HWSIM_KERNELS", switch)
        array = fabricate(device, (33, 45), 1)
        made = trains(x, d, 0.01, device.granularity, PulseSettings(most_slots=40), (1 << 63) - 5)
        array.coincide(made, (1 << 63) - 9)
        array.pulse(counts, 77)
        found.append((*made, array.weights.clone()))
    for compiled, torchs in zip(*found, strict=True):
        assert torch.equal(compiled, torchs)


def test_threads_change_nothing() -> None:
    device = learning.device("reram-sb")
    x, d = values(6, 45, 33)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            array = fabricate(device, (33, 45), 1)
            array.coincide(trains(x, d, 0.01, device.granularity, PulseSettings(), 5), 6)
            found.append(array.weights.clone())
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_the_order_of_samples_matters_to_nonlinear_cells_as_it_does_on_a_chip() -> None:
    device = learning.SoftBounds(step=0.2)
    ups, downs = torch.full((1, 1), 2, dtype=torch.int32), torch.full((1, 1), -2, dtype=torch.int32)
    results = []
    for order in ((ups, downs), (downs, ups)):
        array = fabricate(device, (1, 1), 0)
        for number, counts in enumerate(order):
            array.pulse(counts, number)
        results.append(float(array.weights))
    assert results[0] == pytest.approx(-results[1]) and results[0] < -0.05


def test_normal_numbers() -> None:
    numbers = normals(torch.empty(200, 300), 12345, 6)
    assert abs(float(numbers.mean())) < 0.015 and float(numbers.std()) == pytest.approx(1, abs=0.01)
    assert not torch.equal(numbers, normals(torch.empty(200, 300), 12346, 6))
    assert not torch.equal(numbers, normals(torch.empty(200, 300), 12345, 7))
    assert torch.equal(numbers[7], normals(torch.empty(10, 300), 12345, 6)[7])
    values = pool(5000)
    assert len(values) >= (1 << 18) + 5000 and torch.equal(values[:5000], values[1 << 18 :][:5000])


def test_too_many_trains_at_once_are_refused() -> None:
    array = fabricate(LINEAR, (2, 3), 0)
    words = torch.zeros(1 << 15, 3, dtype=torch.int32), torch.zeros(1 << 15, 2, dtype=torch.int32)
    with pytest.raises(ValueError, match="at most 16384"):
        pulses.coincide(array.device, array.cells, array.weights, None, *words, "both", 0)
