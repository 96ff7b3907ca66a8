"""The 95 % interval of the difference of two networks, with everything that varied in it: seeds, chips, test images.

Both networks of a pair classify the same images on chips with the same numbers. Of each seed the difference of each
image is the mean over its chips. Images and seeds are drawn with replacement (`hwsim.paired_bootstrap`), each seed with
its chips. The chips of a seed are not drawn a second time within it: the spread between seeds holds theirs (Davison and
Hinkley, section 3.8). Of a single seed the chips take the place of the seeds; the interval then says nothing about
another search.

References:
    A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, Cambridge University Press, 1997.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hwsim.paired_bootstrap import DRAWS, interval

Correct: TypeAlias = npt.NDArray[np.bool_]
"""`(chips, images)`: whether a chip finds the class of an image."""


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
    mean, low, high = interval(units, draws=draws, seed=seed)
    return Difference(
        mean=mean,
        low=low,
        high=high,
        seeds=len(pairs),
        chips=min(counts),
        images=units.shape[1],
    )
