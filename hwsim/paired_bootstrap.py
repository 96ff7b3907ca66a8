r"""The 95 % interval of a mean difference over units (chips, or seeds) and test images, which are crossed.

Two networks classify the same images; :math:`d_{ui}` is their difference on image i of unit u. One replicate draws the
images with replacement, once for all units, because they all meet the same ones, and the units:

.. math:: \hat\Delta^* = \bar m^* + k \Big(\sum_u \frac{n_u}{U} m_u^* - \bar m^*\Big), \quad
    m_u^* = \sum_i \frac{w_i}{I} d_{ui}, \quad k^2 = \frac{U}{\chi^2_{U-1}}

with multinomial counts :math:`w_i` of the images and :math:`n_u` of the units, and once more with the deviation of the
units the other way round. The interval reaches from the 2.5th to the 97.5th percentile. The factor :math:`k` makes up
for few units, whose own spread is too small on average and not well known: without images that vary the result is
nearly Student's interval, which is wide for two. Of a single unit the images alone vary.

Of two networks whose units are no pairs, such as several trainings of each, the deviations of :math:`U_1` and
:math:`U_2` units from their own means are put together and drawn for both, as in Student's test of two samples with
one spread: times :math:`k`, with :math:`k^2 = N / \chi^2_{N-2}` and :math:`N = U_1 + U_2`. Two of each say more than
two differences. Where one network spreads much more than the other the interval of so few covers less than 95 %.

No resampling is exact for crossed units and images (Owen). Drawing both counts what is peculiar to an image and a unit
twice, so that the interval is rather too wide than too narrow.

References:
    A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, Cambridge University Press, 1997.
    A. B. Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1(2), 2007, arXiv 0712.1111.
    T. C. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69(4), 2015,
    arXiv 1411.5279 (few values understate their spread).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

DRAWS: Final = 4000
"""Replicates: the ends of the interval are then known to a twentieth of its width."""

AT_ONCE: Final = 4_000_000
"""Weights of images in memory."""


class Interval(NamedTuple):
    """A mean difference, and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def interval(units: npt.NDArray[np.float32], *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Return the mean of differences within -1 and 1, and its interval.

    Args:
        units: `(units, images)`, the difference on each image.
        draws: replicates of the bootstrap.
        seed: of its generator: the same differences give the same interval.

    Example:
        >>> interval(np.zeros((3, 10), np.float32))
        Interval(mean=0.0, low=0.0, high=0.0)
    """
    replicates = _replicates(units, draws, np.random.default_rng(seed))
    return _ends(float(units.mean(axis=1, dtype=np.float64).mean()), replicates)


def interval_of_two(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """Return the mean of the first minus that of the second, both within 0 and 1, and its interval.

    Args:
        first: `(units, images)`, the values of the first network on each image.
        second: the same of the second network, on the same images; its units are no partners of the first ones. One of
            both has two units at least.
        draws: replicates of the bootstrap.
        seed: of its generator.

    Example:
        >>> interval_of_two(np.ones((2, 10), np.float32), np.zeros((3, 10), np.float32))
        Interval(mean=1.0, low=1.0, high=1.0)
    """
    rng = np.random.default_rng(seed)
    n_first, n_units = len(first), len(first) + len(second)
    means = _unit_means(np.concatenate([first, second]), draws, rng)
    own = [part.mean(axis=1, keepdims=True) for part in (means[:, :n_first], means[:, n_first:])]
    residuals = means - np.repeat(np.hstack(own), (n_first, n_units - n_first), axis=1)
    drawn = [
        rng.multinomial(units, np.full(n_units, 1 / n_units), size=draws) / units
        for units in (n_first, n_units - n_first)
    ]
    factor = np.sqrt(n_units / rng.chisquare(n_units - 2, size=draws))
    deviation = factor * ((drawn[0] - drawn[1]) * residuals).sum(axis=1)
    grand = (own[0] - own[1])[:, 0]
    mean = float(first.mean(dtype=np.float64) - second.mean(dtype=np.float64))
    return _ends(mean, np.concatenate([grand + deviation, grand - deviation]))


def _ends(mean: float, replicates: npt.NDArray[np.float64]) -> Interval:
    low, high = np.clip(np.quantile(replicates, (0.025, 0.975)), -1.0, 1.0)
    return Interval(mean, min(float(low), mean), max(float(high), mean))


def _unit_means(
    units: npt.NDArray[np.float32], draws: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return `(draws, units)`, the mean of each unit over images that are drawn with replacement for all of them."""
    n_units, images = units.shape
    means = np.empty((draws, n_units))
    at_once = max(1, AT_ONCE // images)
    for start in range(0, draws, at_once):
        rows = min(at_once, draws - start)
        drawn = rng.integers(images, size=(rows, images)) + images * np.arange(rows)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images)
        means[start : start + rows] = weights.astype(np.float32) @ units.T / images
    return means


def _replicates(
    units: npt.NDArray[np.float32], draws: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return mean differences of `(units, images)`, images and units drawn with replacement `draws` times."""
    means = _unit_means(units, draws, rng)
    grand, n_units = means.mean(axis=1), len(units)
    if n_units == 1:
        return np.asarray(grand)
    n = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=draws)
    factor = np.sqrt(n_units / rng.chisquare(n_units - 1, size=draws))
    deviation = factor * ((n * means).mean(axis=1) - grand)
    return np.concatenate([grand + deviation, grand - deviation])  # few units say nothing about a skew
