import math

import numpy as np
import pytest
import torch
from scipy import stats

from hwsim.characterize import characterize
from hwsim.devices import Pcm

N = 200_000


Z = np.linspace(-9, 9, 4001)
WEIGHT = stats.norm.pdf(Z) * (Z[1] - Z[0])


def _moments(g_us: float, t_s: float) -> tuple[float, float]:
    """Mean and standard deviation of the conductance by numerical integration of the published equations."""
    r = g_us / 25
    log_r = np.log(max(r, 1e-7))
    mu = min(max(-0.0155 * log_r + 0.0244, 0.049), 0.1)
    s = min(max(-0.0125 * log_r - 0.0059, 0.008), 0.045)
    decay = ((t_s + 20) / 20) ** -np.abs(mu + s * Z)
    programmed = np.maximum(0, g_us + (0.26348 + 1.9650 * r - 1.1731 * r * r) * Z)
    q = np.minimum(0.0088 / np.maximum((programmed / 25) ** 0.65, 1e-3), 0.2)
    sigma = q * np.sqrt(np.log((t_s + 20 + 250e-9) / (2 * 250e-9)))
    read = np.maximum(0, 1 + sigma[:, None] * Z)
    first, second = (
        float((WEIGHT * programmed**power * (read**power @ WEIGHT)).sum() * (WEIGHT * decay**power).sum())
        for power in (1, 2)
    )
    return first, np.sqrt(second - first**2)


@pytest.mark.parametrize("g_us", [0.0, 0.5, 5.0, 12.5, 25.0])
def test_statistics_equal_numerical_integration_within_one_percent(g_us: float) -> None:
    times = [0.0, 60.0, 3600.0, 86_400.0, 31_536_000.0]
    for measured in characterize(Pcm(), [g_us], times, N, seed=3):
        mean, std = _moments(g_us, measured.t_s)
        assert measured.mean_us == pytest.approx(mean, rel=0.01)
        assert measured.std_us == pytest.approx(std, rel=0.01)


@pytest.mark.parametrize("t_s", [0.0, 315_360_000.0])
@pytest.mark.parametrize("g_us", [0.0, 25.0])
def test_one_device_at_the_ends_of_time_and_range_is_finite(g_us: float, t_s: float) -> None:
    (statistic,) = characterize(Pcm(), [g_us], [t_s], 1, seed=0)
    assert math.isfinite(statistic.mean_us)
    assert statistic.std_us == 0


def test_scales_of_zero_leave_an_ideal_device() -> None:
    device = Pcm(programming_noise_scale=0, drift_scale=0, read_noise_scale=0)
    target = torch.linspace(0, 25, 11)
    state = device.program(target, torch.Generator())
    assert torch.equal(device.read(state, 1e6, torch.Generator()), target)
