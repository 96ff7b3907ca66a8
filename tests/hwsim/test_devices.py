"""Every published device against numerical integration of its equations, written independently in numpy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats

from hwsim.characterize import characterize
from hwsim.devices import PUBLISHED_DEVICES, Ideal, Pcm, PolynomialDevice, PolynomialSpec

N = 200_000
Z = np.linspace(-9, 9, 1201)
WEIGHT = stats.norm.pdf(Z) * (Z[1] - Z[0])
ONE_DAY_S = 86_400.0
TEN_YEARS_S = 315_360_000.0

Function = Callable[[np.ndarray], np.ndarray]


def _drifting(
    g_us: float, t_s: float, sigma_p: float, mu: float, s: float, q: Function, t0: float, t_read: float
) -> tuple[float, float]:
    """Moments of a device with programming noise, power-law drift and multiplicative read noise."""
    decay = ((t_s + t0) / t0) ** -np.abs(mu + s * Z)
    programmed = np.maximum(0, g_us + sigma_p * Z)
    sigma = q(programmed) * np.sqrt(np.log((t_s + t0 + t_read) / (2 * t_read)))
    read = np.maximum(0, 1 + sigma[:, None] * Z)
    first, second = (
        float((WEIGHT * programmed**k * (read**k @ WEIGHT)).sum() * (WEIGHT * decay**k).sum()) for k in (1, 2)
    )
    return first, math.sqrt(second - first**2)


def _pcm(g_us: float, t_s: float) -> tuple[float, float]:
    r = g_us / 25
    log_r = math.log(max(r, 1e-7))
    mu = min(max(-0.0155 * log_r + 0.0244, 0.049), 0.1)
    s = min(max(-0.0125 * log_r - 0.0059, 0.008), 0.045)
    sigma_p = 0.26348 + 1.9650 * r - 1.1731 * r * r

    def q(g: np.ndarray) -> np.ndarray:
        return np.minimum(0.0088 / np.maximum((g / 25) ** 0.65, 1e-3), 0.2)

    return _drifting(g_us, t_s, sigma_p, mu, s, q, 20, 250e-9)


def _hermes_1(g_us: float, t_s: float) -> tuple[float, float]:
    r = g_us / 10.35
    log_r = math.log(max(r, 1e-7))
    sigma_p = 0.15781817 + 2.32443916 * r - 2.16310839 * r**2 + 0.68841818 * r**3
    mu = (
        min(max(-0.0387 * log_r - 0.0182, 0.072), 0.13)
        if r < 0.0945
        else -0.0436 * r * r - 0.0126 * r + 0.0736
    )
    s = (
        min(max(-0.0120 * log_r - 0.0023, 0.0124), 0.04)
        if r < 0.3039
        else -0.0165 * r * r + 0.0116 * r + 0.0104
    )

    def q(g: np.ndarray) -> np.ndarray:
        x = g / 10.35
        low = np.clip(-0.0078 * np.log(np.maximum(x, 1e-7)) + 0.0038, 0.0179, 0.04)
        return np.where(x < 0.1591, low, 0.0664 * x**3 - 0.1352 * x**2 + 0.0768 * x + 0.0088)

    return _drifting(g_us, t_s, sigma_p, mu, s, q, 200, 512e-9)


def _hermes_2(g_us: float, t_s: float) -> tuple[float, float]:
    r = g_us / 20.7
    log_r = math.log(max(r, 1e-7))
    sigma_p = 0.16603222 + 4.71806468 * r - 8.48101252 * r**2 + 4.68961419 * r**3
    mu = (
        min(max(-0.0387 * log_r - 0.0182, 0.072), 0.13)
        if r < 0.0945
        else -0.0436 * r * r - 0.0126 * r + 0.0736
    )
    s = (
        min(max(-0.0117 * log_r - 0.0057, 0.0091), 0.04)
        if r < 0.3055
        else -0.0118 * r * r + 0.0093 * r + 0.0073
    )

    def q(g: np.ndarray) -> np.ndarray:
        x = g / 20.7
        low = np.clip(-0.0117 * np.log(np.maximum(x, 1e-7)) - 0.0069, 0.015, 0.04)
        return np.where(x < 0.16, low, 0.0069 * x**3 - 0.0280 * x**2 + 0.0211 * x + 0.0123)

    return _drifting(g_us, t_s, sigma_p, mu, s, q, 300, 512e-9)


def _moments(g: np.ndarray) -> tuple[float, float]:
    first = float((WEIGHT * g).sum())
    return first, math.sqrt(float((WEIGHT * (g - first) ** 2).sum()))


def _wan(g_us: float, t_s: float) -> tuple[float, float]:
    powers = (g_us / 40) ** np.arange(5)
    one_second = np.dot([0.348, 16.030, -43.853, 45.393, -16.815], powers)
    one_day = np.dot([0.701, 22.086, -50.773, 47.095, -16.458], powers)
    two_days = np.dot([0.782, 20.274, -43.507, 37.062, -11.934], powers)
    knots = np.log([1, ONE_DAY_S, 2 * ONE_DAY_S])
    sigma = np.interp(np.log(max(t_s, 1)), knots, [one_second, one_day, two_days])
    return _moments(np.maximum(0, g_us + sigma * Z))


def _cmo(g_us: float, t_s: float) -> tuple[float, float]:
    log_t = math.log(max(t_s, 1))
    programmed = np.clip(g_us + (0.0112185391 + 0.01129027418 * g_us) * Z, 9, 88.2)
    spread = 0.04201137 * log_t + 0.41183342
    relaxed = np.clip(programmed[:, None] - 0.08900206 * log_t + spread * Z[::10], 9, 88.2)
    read = 0.0277316483 * np.log10(relaxed) * math.sqrt(max(0, math.log((t_s + 1e-6) / 2e-6)))
    coarse = WEIGHT[::10] / WEIGHT[::10].sum()
    moments = [0.0, 0.0]
    for z, weight in zip(Z[::10], coarse, strict=True):
        final = np.clip(relaxed + read * z, 9, 88.2)
        moments[0] += weight * float(WEIGHT @ final @ coarse)
        moments[1] += weight * float(WEIGHT @ np.square(final) @ coarse)
    return moments[0], math.sqrt(moments[1] - moments[0] ** 2)


def _ideal(g_us: float, _: float) -> tuple[float, float]:
    return g_us, 0.0


SONOS = np.array(
    [
        *(19.88665, 176.3115, *[0.0] * 11),
        *(25.59102, 186.85544, 1.72684e-1, 5.72552e-2, -6.85715e-4, 3.50271e-6, -9.37682e-9, 1.40575e-11),
        *(-1.19803e-14, 5.41293e-18, -8.85448e-22, -1.66869e-25, 5.95180e-29),
        *(28.72753, 193.56834, 2.50712e-1, 6.62195e-2, -6.83218e-4, 2.99442e-6, -6.78255e-9, 7.70482e-12),
        *(-3.04983e-15, -2.15919e-18, 2.94617e-21, -1.23359e-24, 1.85329e-28),
        *(31.04318, 198.90332, -1.75300e-2, 9.76883e-2, -9.63791e-4, 4.55551e-6, -1.22391e-8, 1.93786e-11),
        *(-1.85899e-14, 1.07659e-17, -3.58211e-21, 5.96785e-25, -3.30410e-29),
        *(33.76214, 204.77023, 4.03338e-2, 1.03111e-1, -1.04740e-3, 4.83961e-6, -1.28132e-8, 1.99484e-11),
        *(-1.85139e-14, 1.00008e-17, -2.84944e-21, 3.01008e-25, 1.18747e-29),
        *(34.57909, 207.34309, 3.19927e-1, 1.06596e-1, -1.04054e-3, 4.50290e-6, -1.10352e-8, 1.56477e-11),
        *(-1.27592e-14, 5.45513e-18, -7.26841e-22, -2.43893e-25, 7.14608e-29),
    ]
).reshape(6, 13)
"""A, B and p of a day in each row, of days 0 to 5."""


def _sonos(g_us: float, t_s: float) -> tuple[float, float]:
    day = t_s / ONE_DAY_S
    a, b, *p = (np.interp(day, range(6), column) for column in SONOS.T)
    current = 200 * g_us
    mean = max(0.0, current + float(np.polyval(p[::-1], current)))
    settled = np.maximum(0, mean + a * (1 - math.exp(-mean / b)) * Z)
    noise = 12.58037 * (1 - np.exp(-settled / 215.36557))
    read = np.maximum(0, settled[:, None] + noise[:, None] * Z)
    first, second = (float(WEIGHT @ read**k @ WEIGHT) for k in (1, 2))
    return first / 200, math.sqrt(max(0.0, second - first**2)) / 200


def _milo(g_us: float, _: float) -> tuple[float, float]:
    return _moments(np.maximum(0, g_us + max(0, -0.009107 * g_us + 4.782321) * Z))


CASES = {
    "sonos-agrawal2022": (_sonos, (0.0, 0.25, 1.0, 4.0, 9.0), (0.0, 3600.0, 1.5 * ONE_DAY_S, 5 * ONE_DAY_S)),
    "reram-milo2022": (_milo, (50.0, 100.0, 225.0), (0.0, ONE_DAY_S)),
    "pcm": (_pcm, (0.0, 0.5, 5.0, 12.5, 25.0), (0.0, 60.0, 3600.0, ONE_DAY_S, 3.2e7, TEN_YEARS_S)),
    "hermes-1": (_hermes_1, (0.0, 0.4, 1.2, 5.0, 10.35), (0.0, 60.0, ONE_DAY_S, 3.2e7, TEN_YEARS_S)),
    "hermes-2": (_hermes_2, (0.0, 0.4, 2.5, 10.0, 20.7), (0.0, 60.0, ONE_DAY_S, 3.2e7, TEN_YEARS_S)),
    "reram-wan2022": (_wan, (0.0, 1.0, 20.0, 40.0), (0.0, 1.0, 3600.0, ONE_DAY_S, 2 * ONE_DAY_S)),
    "reram-cmo": (_cmo, (9.0, 10.0, 50.0, 88.2), (0.0, 1.0, ONE_DAY_S, 3.2e7, TEN_YEARS_S)),
    "ideal": (_ideal, (0.0, 12.5, 25.0), (0.0, TEN_YEARS_S)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_statistics_equal_numerical_integration_within_one_percent(name: str) -> None:
    expected, conductances, times = CASES[name]
    for measured in characterize(PUBLISHED_DEVICES[name].build(), conductances, times, N, seed=4):
        mean, std = expected(measured.g_us, measured.t_s)
        assert measured.mean_us == pytest.approx(mean, rel=0.01, abs=1e-12)
        assert measured.std_us == pytest.approx(std, rel=0.01, abs=1e-12)


@pytest.mark.parametrize("name", PUBLISHED_DEVICES)
def test_one_device_at_the_ends_of_time_and_range_is_finite(name: str) -> None:
    device = PUBLISHED_DEVICES[name].build()
    latest = {"reram-wan2022": 2 * ONE_DAY_S, "sonos-agrawal2022": 5 * ONE_DAY_S}
    times = [0.0, latest.get(name, TEN_YEARS_S)]
    for statistic in characterize(device, [device.g_min_us, device.g_max_us], times, 1, seed=0):
        assert math.isfinite(statistic.mean_us)
        assert statistic.std_us == 0


def test_a_polynomial_device_with_the_pcm_constants_programs_like_pcm() -> None:
    spec = PolynomialSpec(g_max_us=25, programming_us=(0.26348, 1.9650, -1.1731), latest_s=100)
    device = spec.build()
    target = torch.linspace(0, 25, 1000)
    ours = device.program(target, torch.Generator().manual_seed(0))["g_us"]
    pcm = Pcm().program(target, torch.Generator().manual_seed(0))["g_us"]
    torch.testing.assert_close(ours, pcm)
    with pytest.raises(ValueError, match=r"<= 100.*latest_s.*got 101"):
        device.read({"g_us": ours, "nu": torch.zeros(1000)}, 101.0, torch.Generator())


def test_a_polynomial_device_drifts_by_its_exponent() -> None:
    device = PolynomialDevice(
        10.0, (0.0,), (0.05, 0.1), (0.0,), (0.0,), t0_s=2.0, t_read_s=1e-6, latest_s=1e9
    )
    state = device.program(torch.tensor([10.0, 5.0]), torch.Generator())
    read = device.read(state, 38.0, torch.Generator())
    torch.testing.assert_close(read, torch.tensor([10 * 20**-0.15, 5 * 20**-0.1]))


def test_reram_is_not_extrapolated_beyond_what_was_measured() -> None:
    with pytest.raises(ValueError, match=r"172800.*measured for 2 days.*got 172801"):
        characterize(PUBLISHED_DEVICES["reram-wan2022"].build(), [5.0], [172_801.0], 1, 0)


def test_scales_of_zero_leave_an_ideal_device() -> None:
    device = Pcm(programming_noise_scale=0, drift_scale=0, read_noise_scale=0)
    target = torch.linspace(0, 25, 11)
    state = device.program(target, torch.Generator())
    assert torch.equal(device.read(state, 1e6, torch.Generator()), target)
    assert torch.equal(Ideal().read({"g_us": target}, 1e6, torch.Generator()), target)
