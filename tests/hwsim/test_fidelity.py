"""The tile against closed forms and an independent reference in numpy float64."""

import numpy as np
import pytest
import torch
from torch import nn

import hwsim
from hwsim.compensation import compensation_factors, readout
from hwsim.converters import adc, dac
from hwsim.devices import Pcm
from hwsim.mapping import map_layer
from hwsim.modules import Execution
from hwsim.mvm import Crossbar
from hwsim.noise import NoisePool, NoiseStream
from hwsim.streams import stream

QUIET = {"mvm.output_noise": 0.0, "mvm.read_noise": 0.0, "mvm.ir_drop": 0.0}


def _round(x: np.ndarray) -> np.ndarray:
    return np.sign(x) * np.floor(np.abs(x) + 0.5)


def _reference(w: np.ndarray, x: np.ndarray, alpha: float, tile: int, ir_drop: float) -> np.ndarray:
    """A tile written from the equations alone: `w` (outputs, inputs), `x` (batch, inputs)."""
    total = np.zeros((len(x), len(w)))
    parts = -(-w.shape[1] // tile)
    for columns in np.array_split(np.arange(w.shape[1]), parts):
        gamma = np.abs(w[:, columns]).max(axis=1)
        normal = w[:, columns] / gamma[:, None]
        u = np.clip(_round(x[:, columns] / alpha * 127), -127, 127) / 127
        y = u @ normal.T
        n = len(columns)
        a = ir_drop * n * (np.abs(u) @ np.abs(normal).T) * 0.35 * 5e-6
        c = a * (a * (0.05 * a - 0.2) + 0.5)
        y = y - c * (u @ (normal * (1 - (1 - np.arange(n) / n) ** 2)).T)
        total += np.clip(_round(y / 10 * 127), -127, 127) / 127 * 10 * alpha * gamma
    return total


@pytest.mark.parametrize("ir_drop", [0.0, 1.0])
@pytest.mark.parametrize("tile", [512, 60])
def test_a_noise_free_tile_equals_the_reference_on_the_converter_grid(tile: int, ir_drop: float) -> None:
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(40, 150)), rng.normal(size=(64, 150))
    layer = nn.Linear(150, 40, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w))
    changes = {**QUIET, "mvm.ir_drop": ir_drop, "tile.rows": tile}
    net = hwsim.to_analog(layer, hwsim.preset("pcm-rasch2023").replace(changes))
    net.input_range.data.fill_(2.5)
    ours = net(torch.from_numpy(x).float()).detach().numpy()
    reference = _reference(
        layer.weight.detach().double().numpy(), x.astype(np.float32).astype(float), 2.5, tile, ir_drop
    )
    step = 2.5 * np.abs(w).max(axis=1) * 10 / 127
    same = np.abs(ours - reference) < 1e-4 * step
    # float32 sums may fall on the other side of a step, by exactly one step
    assert same.mean() > 0.999
    assert (np.abs(ours - reference) < 1.01 * step).all()


def _noise_only(changes: dict[str, float], weight: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Outputs of a continuous tile with one noise on, minus those without."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    with torch.no_grad():
        layer.weight.copy_(weight)
    free = {**QUIET, "converters.dac_bits": None, "converters.adc_bits": None}
    net = hwsim.to_analog(layer, hwsim.preset("pcm-rasch2023").replace({**free, **changes}))
    net.input_range.data.fill_(1.0)
    quiet = net(u)
    net.execution = Execution(noise=NoiseStream(NoisePool(torch.Generator().manual_seed(0)), 5))
    return (net(u) - quiet).detach()


def test_each_noise_alone_has_the_variance_of_its_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.rand(8, 50, generator=generator) * 2 - 1
    weight[:, 0] = 1.0  # γ = 1: weights are in units of g_max
    u = (torch.rand(1, 50, generator=generator) * 2 - 1).expand(20_000, 50)
    output = _noise_only({"mvm.output_noise": 0.04}, weight, u)
    assert output.std(0).tolist() == pytest.approx([0.04] * 8, rel=0.03)
    assert output.mean(0).abs().max() < 5 * 0.04 / 20_000**0.5
    read = _noise_only({"mvm.read_noise": 0.0175}, weight, u)
    expected = 0.0175 * (weight.abs() @ u[0].square()).sqrt()
    assert read.std(0).tolist() == pytest.approx(expected.tolist(), rel=0.03)
    entering = _noise_only({"mvm.input_noise": 0.01}, weight, u)
    expected = 0.01 * weight.square().sum(1).sqrt()
    assert entering.std(0).tolist() == pytest.approx(expected.tolist(), rel=0.03)


def test_the_s_shape_saturates_as_its_formula() -> None:
    weight, u = torch.ones(1, 10), torch.linspace(-1, 1, 21)[:, None].expand(21, 10)
    layer = nn.Linear(10, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(weight)
    free = {**QUIET, "converters.dac_bits": None, "converters.adc_bits": None, "mvm.s_shape": 0.1}
    net = hwsim.to_analog(layer, hwsim.preset("pcm-rasch2023").replace(free))
    net.input_range.data.fill_(1.0)
    y = 10 * u[:, :1]
    torch.testing.assert_close(net(u).detach(), y / (1 + 0.1 * y.abs()))


def _independent_error(rng: np.random.Generator, sparsity: float, t_s: float) -> float:
    """The standard MVM's error from the equations alone, in numpy: devices, converters, noise and IR drop."""
    w = np.clip(0.246 * rng.normal(size=(512, 512)), -1, 1)
    x = rng.uniform(-1, 1, (256, 512)) * (rng.random((256, 512)) >= sparsity)
    pair = []
    for r in (np.maximum(w, 0), np.maximum(-w, 0)):
        log_r = np.log(np.maximum(r, 1e-7))
        mean, std = (
            np.clip(-0.0155 * log_r + 0.0244, 0.049, 0.1),
            np.clip(-0.0125 * log_r - 0.0059, 0.008, 0.045),
        )
        programmed = np.maximum(0, 25 * r + (0.26348 + 1.965 * r - 1.1731 * r * r) * rng.normal(size=r.shape))
        drifted = programmed * ((t_s + 20) / 20) ** -np.abs(mean + std * rng.normal(size=r.shape))
        q = np.minimum(0.0088 / np.maximum((programmed / 25) ** 0.65, 1e-3), 0.2)
        spread = q * np.sqrt(np.log((t_s + 20 + 250e-9) / 500e-9))
        pair.append(np.maximum(0, drifted * (1 + spread * rng.normal(size=r.shape))) / 25)
    normal, u = pair[0] - pair[1], _round(x * 127) / 127
    a = 512 * (np.abs(u) @ np.abs(normal).T) * 0.35 * 5e-6
    c = a * (a * (0.05 * a - 0.2) + 0.5)
    y = u @ normal.T - c * (u @ (normal * (1 - (1 - np.arange(512) / 512) ** 2)).T)
    y += 0.0175 * np.sqrt(u**2 @ np.abs(normal).T) * rng.normal(size=y.shape) + 0.04 * rng.normal(
        size=y.shape
    )
    y = np.clip(_round(y / 10 * 127), -127, 127) / 127 * 10
    return float(np.linalg.norm(y - x @ w.T) / np.linalg.norm(x @ w.T))


@pytest.mark.parametrize(("sparsity", "t_s", "published"), [(0.0, 0.0, 0.15), (0.5, 1.0, 0.13)])
def test_the_standard_mvm_has_its_published_error(sparsity: float, t_s: float, published: float) -> None:
    """About 15 % before drift, and 13 % with half of the inputs at zero at 1 s (Rasch et al.; 2307.09357).

    Weights are conductances as they are, without column scales, and inputs fill the range of the DAC. The error is
    that of all outputs together, ‖y - Wx‖ / ‖Wx‖, with everything of `pcm-rasch2023` on and no compensation.
    """
    generator = torch.Generator().manual_seed(0)
    weight = (0.246 * torch.randn(512, 512, generator=generator)).clamp(-1, 1)
    x = torch.rand(256, 512, generator=generator) * 2 - 1
    x *= torch.rand(x.shape, generator=generator) >= sparsity
    crossbar = Crossbar.from_hardware(hwsim.preset("pcm-rasch2023"))
    device, pair = Pcm(), torch.stack([weight.clamp(min=0), (-weight).clamp(min=0)]) * 25
    state = device.program(pair, stream(0, "program"))
    read = device.read(state, t_s, stream(0, "read"))
    programmed = (read[0] - read[1]) / 25
    ones = torch.ones(512)
    y = crossbar.multiply(
        x,
        programmed,
        product=nn.functional.linear,
        channel_dim=-1,
        input_range=torch.tensor(1.0),
        gain=ones,
        scale=ones,
        rows_in_use=512 * ones,
        row_position=torch.arange(512) / 512,
        noise=NoiseStream(NoisePool(torch.Generator().manual_seed(1)), 3),
    )
    ideal = x @ weight.T
    error = float((y - ideal).norm() / ideal.norm())
    assert error == pytest.approx(_independent_error(np.random.default_rng(0), sparsity, t_s), rel=0.01)
    assert error == pytest.approx(published, abs=0.015)


COMPENSATION = {60.0: 1.072, 3600.0: 1.297, 86_400.0: 1.516, 2_592_000.0: 1.792, 31_536_000.0: 2.023}


def test_global_compensation_has_its_reference_factors() -> None:
    """Mean factor of 16 Gaussian 128 × 128 tiles."""
    generator = torch.Generator().manual_seed(0)
    crossbar = Crossbar.from_hardware(hwsim.preset("pcm-rasch2023"))
    mapping = map_layer(128, 128, 1, 128, 128)
    found = {t_s: [] for t_s in COMPENSATION}
    for chip in range(16):
        weight = 0.246 * torch.randn(128, 128, generator=generator)
        weight = weight.clamp(-1, 1)
        pair = torch.stack([weight.clamp(min=0), (-weight).clamp(min=0)]) * 25
        device = Pcm()
        state = device.program(pair, stream(chip, "program"))
        before = (state["g_us"][0] - state["g_us"][1]) / 25
        for t_s in COMPENSATION:
            read = device.read(state, t_s, stream(chip, "read", t_s))
            reads = [readout(crossbar, w, "exact", stream(0)) for w in (before, (read[0] - read[1]) / 25)]
            found[t_s].append(float(compensation_factors(*reads, mapping, "global")[0, 0]))
    means = {t_s: float(np.mean(factors)) for t_s, factors in found.items()}
    assert means == pytest.approx(COMPENSATION, rel=0.01)


def test_reading_drift_through_the_noisy_mvm_is_biased_low() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = (0.246 * torch.randn(128, 128, generator=generator)).clamp(-1, 1)
    crossbar = Crossbar.from_hardware(hwsim.preset("pcm-rasch2023"))
    mapping = map_layer(128, 128, 1, 128, 128)
    reads = [readout(crossbar, w, "mvm", stream(i)) for i, w in enumerate((weight, weight / 2))]
    assert 1.7 < float(compensation_factors(*reads, mapping, "global")[0, 0]) < 1.98


def test_column_compensation_restores_each_columns_own_drift() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(6, 20, generator=generator)
    decay = torch.linspace(0.5, 1, 6)[:, None]
    mapping = map_layer(20, 6, 1, 8, 4)
    factors = compensation_factors(weight.abs(), (weight * decay).abs(), mapping, "column")
    torch.testing.assert_close(factors, (1 / decay.T).expand(3, 6))
    per_tile = compensation_factors(weight.abs(), (weight * decay).abs(), mapping, "global")
    assert [len(set(row.tolist())) for row in per_tile] == [2, 2, 2]


def test_gradients_equal_finite_differences_of_the_straight_through_surrogate() -> None:
    """Without rounding the surrogate is the function itself: double precision, grid of 2^23 points."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 4, dtype=torch.float64, generator=generator).requires_grad_()
    alpha = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
    scale = torch.rand(4, dtype=torch.float64, generator=generator).requires_grad_()
    gain = torch.rand(4, dtype=torch.float64, generator=generator) * 30

    def surrogate() -> torch.Tensor:
        u = (x / alpha).clamp(-1, 1)
        return ((u * gain).clamp(-10, 10) * scale * alpha).sin().sum()

    def ours() -> torch.Tensor:
        u = dac(x, alpha, 2**23)
        return adc(u, gain, scale * alpha, None, 0.0, 2**23, 10.0).sin().sum()

    expected = torch.autograd.grad(surrogate(), (x, alpha, scale))
    found = torch.autograd.grad(ours(), (x, alpha, scale))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    for parameter, gradient in zip((x, alpha, scale), found, strict=True):
        flat = parameter.detach().view(-1)
        step = 1e-3
        before = flat[0].item()
        values = []
        for sign in (1, -1):
            flat[0] = before + sign * step
            values.append(float(ours().detach()))
        flat[0] = before
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(
            gradient.view(-1)[0].item(), rel=1e-2, abs=1e-3
        )


@pytest.mark.parametrize("bits", [2, 4, 8, 12])
def test_converters_have_two_to_the_bits_minus_two_steps(bits: int) -> None:
    levels = 2 ** (bits - 1) - 1
    grid = dac(torch.linspace(-1.2, 1.2, 200_001), torch.tensor(1.0), levels).unique()
    assert len(grid) == 2**bits - 1
    assert grid.min() == -1
    assert grid.max() == 1


def test_halves_are_rounded_away_from_zero() -> None:
    x = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5]) / 4
    torch.testing.assert_close(dac(x, torch.tensor(1.0), 4) * 4, torch.tensor([1.0, 2, 3, -1, -2, -3]))
