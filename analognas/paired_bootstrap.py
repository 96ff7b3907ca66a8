r"""The 95 % interval of the difference of two networks, with everything that varied in it: seeds, chips, test images.

Both networks of a pair classify the same images on chips with the same numbers. Of each seed the difference of each
image, :math:`d_{si}`, is the mean over its chips. One replicate draws the images with replacement, once for all
networks, because they all meet the same ones, and the seeds, each with its chips:

.. math:: \hat\Delta^* = \bar m^* + k \Big(\sum_s \frac{n_s}{S} m_s^* - \bar m^*\Big), \quad
    m_s^* = \sum_i \frac{w_i}{I} d_{si}, \quad k^2 = \frac{S}{\chi^2_{S-1}}

with multinomial counts :math:`w_i` of the images and :math:`n_s` of the seeds, and once more with the deviation of the
seeds the other way round. The interval reaches from the 2.5th to
the 97.5th percentile. The chips of a seed are not drawn a second time within it: the spread between seeds holds theirs
(Davison and Hinkley, section 3.8). Of a single seed the chips take the place of the seeds; the interval then says
nothing about another search. The factor :math:`k` makes up for few seeds, whose own spread is too small on average and
not well known: without images that vary the result is nearly Student's interval, which is wide for two seeds.

Images and seeds are crossed, for which no resampling is exact (Owen). Drawing both counts what is peculiar to an image
and a seed twice, so that the interval is rather too wide than too narrow.

References:
    A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, Cambridge University Press, 1997.
    A. B. Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1(2), 2007, arXiv 0712.1111.
    T. C. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69(4), 2015,
    arXiv 1411.5279 (few values understate their spread).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Correct: TypeAlias = npt.NDArray[np.bool_]
"""`(chips, images)`: whether a chip finds the class of an image."""

DRAWS: Final = 4000
"""Replicates: the ends of the interval are then known to a twentieth of its width."""

AT_ONCE: Final = 4_000_000
"""Weights of images in memory."""


@dataclass(frozen=True)
class Difference:
    """A mean difference of accuracies, fractions of 1, and its 95 % interval.

    Attributes:
        mean: of the first networks minus the second.
        low: lower end.
        high: upper end.
        seeds: pairs of networks; of a single one the interval holds chips and images alone.
        chips: of each network, the fewest where they differ.
        images: that all networks met.
    """

    mean: float
    low: float
    high: float
    seeds: int
    chips: int
    images: int

    @property
    def level(self) -> bool:
        """Whether the interval holds zero, so that neither is ahead."""
        return self.low <= 0 <= self.high

    @property
    def held(self) -> str:
        """What the interval holds.

        >>> Difference(0.0, 0.0, 0.0, 1, 25, 360).held
        '25 chips and 360 test images of one seed, and not another seed'
        """
        chips = "1 chip" if self.chips == 1 else f"{self.chips} chips"
        if self.seeds == 1:
            return f"{chips} and {self.images} test images of one seed, and not another seed"
        return f"{self.seeds} seeds, each with its {chips}, and {self.images} test images"

    def to_json(self) -> dict[str, Any]:
        """Return its values and what the interval holds, JSON-able."""
        return {**asdict(self), "level": self.level, "held": self.held}

    def __str__(self) -> str:
        """Return it in points.

        >>> print(Difference(0.0123, 0.004, 0.021, 5, 25, 360))
        +1.23 [+0.40, +2.10]
        >>> print(Difference(0.0123, -0.004, 0.021, 5, 25, 360))
        +1.23 [-0.40, +2.10] level
        """
        ends = f"{100 * self.mean:+.2f} [{100 * self.low:+.2f}, {100 * self.high:+.2f}]"
        return f"{ends} level" if self.level else ends


def difference(pairs: Sequence[tuple[Correct, Correct]], *, draws: int = DRAWS, seed: int = 0) -> Difference:
    """Return the mean difference of pairs of networks, one pair a seed, and its interval.

    Args:
        pairs: of each seed the first network and the second, on chips with the same numbers; where one has more chips,
            its first ones count.
        draws: replicates of the bootstrap.
        seed: of its generator: the same pairs give the same interval.

    Raises:
        ValueError: without a pair, or when the networks met different numbers of images.
    """
    if not pairs:
        raise ValueError("`pairs` must hold at least one pair of networks")
    images = {network.shape[1] for pair in pairs for network in pair}
    if len(images) != 1:
        raise ValueError(f"all networks must have met the same test images, got {sorted(images)} of them")
    counts = [min(len(first), len(second)) for first, second in pairs]
    by_chip = [
        first[:chips].astype(np.float32) - second[:chips]
        for chips, (first, second) in zip(counts, pairs, strict=True)
    ]
    units = by_chip[0] if len(pairs) == 1 else np.array([chips.mean(axis=0) for chips in by_chip])
    replicates = _replicates(units, draws, np.random.default_rng(seed))
    low, high = np.clip(np.quantile(replicates, (0.025, 0.975)), -1.0, 1.0)
    mean = float(units.mean(axis=1, dtype=np.float64).mean())
    return Difference(
        mean=mean,
        low=min(float(low), mean),
        high=max(float(high), mean),
        seeds=len(pairs),
        chips=min(counts),
        images=units.shape[1],
    )


def _replicates(
    units: npt.NDArray[np.float32], draws: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return mean differences of `(units, images)`, images and units drawn with replacement `draws` times."""
    n_units, images = units.shape
    means = np.empty((draws, n_units))
    at_once = max(1, AT_ONCE // images)
    for start in range(0, draws, at_once):
        rows = min(at_once, draws - start)
        drawn = rng.integers(images, size=(rows, images)) + images * np.arange(rows)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images)
        means[start : start + rows] = weights.astype(np.float32) @ units.T / images
    grand = means.mean(axis=1)
    if n_units == 1:
        return np.asarray(grand)
    n = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=draws)
    factor = np.sqrt(n_units / rng.chisquare(n_units - 1, size=draws))
    deviation = factor * ((n * means).mean(axis=1) - grand)
    return np.concatenate([grand + deviation, grand - deviation])  # few units say nothing about a skew
