"""The 95 % interval of the difference of two networks, and what is in it: seeds, trainings, chips, images.

Both networks of a pair classify the same images on chips with the same numbers. Of each seed the difference of each
image is the mean over its trainings and chips. Images and seeds are drawn with replacement (`hwsim.paired_bootstrap`),
each seed with all of its own, which are not drawn a second time within it: the spread between seeds holds theirs
(Davison and Hinkley, section 3.8).

Of a single seed the trainings take the place of the seeds where a network was trained more than once, as two samples:
the first training of one is no partner of the first of the other. Of a single training the chips do, as
pairs. What the interval does not hold is told: another search, and then another training, may be farther away.

References:
    A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, Cambridge University Press, 1997.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hwsim.paired_bootstrap import DRAWS, interval, interval_of_two

Correct: TypeAlias = npt.NDArray[np.bool_]
"""`(chips, images)`: whether a chip finds the class of an image."""

Trainings: TypeAlias = Sequence[Correct]
"""What the chips of each training of a network find, one at least."""


@dataclass(frozen=True)
class Difference:
    """A mean difference of accuracies, fractions of 1, and its 95 % interval.

    Attributes:
        mean: of the first networks minus the second.
        low: lower end.
        high: upper end.
        seeds: pairs of networks.
        trainings: of each network, the most where they differ; of a single seed with a single one the interval holds
            chips and images alone.
        chips: of each training, the fewest where they differ.
        images: that all networks met.
    """

    mean: float
    low: float
    high: float
    seeds: int
    trainings: int
    chips: int
    images: int

    @property
    def level(self) -> bool:
        """Whether the interval holds zero, so that neither is ahead."""
        return self.low <= 0 <= self.high

    @property
    def held(self) -> str:
        """What the interval holds.

        >>> Difference(0.0, 0.0, 0.0, 1, 1, 25, 360).held
        '25 chips and 360 test images of one seed, and not another seed'
        >>> Difference(0.0, 0.0, 0.0, 1, 2, 25, 360).held
        '2 trainings of each network on 25 chips, and 360 test images, of one seed, and not another search'
        >>> Difference(0.0, 0.0, 0.0, 5, 2, 25, 360).held
        '5 seeds, each with its 2 trainings on 25 chips, and 360 test images'
        """
        chips = "1 chip" if self.chips == 1 else f"{self.chips} chips"
        if self.seeds == 1 and self.trainings == 1:
            return f"{chips} and {self.images} test images of one seed, and not another seed"
        if self.seeds == 1:
            return (
                f"{self.trainings} trainings of each network on {chips}, and {self.images} test images, of one seed, "
                "and not another search"
            )
        own = chips if self.trainings == 1 else f"{self.trainings} trainings on {chips}"
        return f"{self.seeds} seeds, each with its {own}, and {self.images} test images"

    def to_json(self) -> dict[str, Any]:
        """Return its values and what the interval holds, JSON-able."""
        return {**asdict(self), "level": self.level, "held": self.held}

    def __str__(self) -> str:
        """Return it in points.

        >>> print(Difference(0.0123, 0.004, 0.021, 5, 1, 25, 360))
        +1.23 [+0.40, +2.10]
        >>> print(Difference(0.0123, -0.004, 0.021, 5, 1, 25, 360))
        +1.23 [-0.40, +2.10] level
        """
        ends = f"{100 * self.mean:+.2f} [{100 * self.low:+.2f}, {100 * self.high:+.2f}]"
        return f"{ends} level" if self.level else ends


def difference(
    pairs: Sequence[tuple[Trainings, Trainings]], *, draws: int = DRAWS, seed: int = 0
) -> Difference:
    """Return the mean difference of pairs of networks, one pair a seed, and its interval.

    Args:
        pairs: of each seed the trainings of the first network and of the second, on chips with the same numbers; where
            one has more chips, its first ones count.
        draws: replicates of the bootstrap.
        seed: of its generator: the same pairs give the same interval.

    Raises:
        ValueError: without a pair or a training, or when the networks met different numbers of images.
    """
    everything = [training for pair in pairs for network in pair for training in network]
    if not everything or not all(len(network) for pair in pairs for network in pair):
        raise ValueError("`pairs` must hold at least one pair of networks, each with a training at least")
    images = {training.shape[1] for training in everything}
    if len(images) != 1:
        raise ValueError(f"all networks must have met the same test images, got {sorted(images)} of them")
    trainings = max(len(network) for pair in pairs for network in pair)
    if len(pairs) == 1 and trainings > 1:
        first, second = (_by_training(network, _fewest_chips(pairs[0])) for network in pairs[0])
        same = np.array_equal(first, second)  # such as a reference that is exported, beside itself
        mean, low, high = (0.0,) * 3 if same else interval_of_two(first, second, draws=draws, seed=seed)
    else:
        units = (
            _by_chip(pairs[0])
            if len(pairs) == 1
            else np.array([_by_chip(pair).mean(axis=0) for pair in pairs])
        )
        mean, low, high = interval(units, draws=draws, seed=seed)
    return Difference(
        mean=mean,
        low=low,
        high=high,
        seeds=len(pairs),
        trainings=trainings,
        chips=min(map(_fewest_chips, pairs)),
        images=images.pop(),
    )


def _fewest_chips(pair: tuple[Trainings, Trainings]) -> int:
    return min(len(training) for network in pair for training in network)


def _by_training(network: Trainings, chips: int) -> npt.NDArray[np.float32]:
    """Return `(trainings, images)`, the share of the first chips that find the class of an image."""
    return np.array([training[:chips].mean(axis=0, dtype=np.float32) for training in network])


def _by_chip(pair: tuple[Trainings, Trainings]) -> npt.NDArray[np.float32]:
    """Return `(chips, images)`, the difference of the means over the trainings."""
    chips = _fewest_chips(pair)
    first, second = (
        np.mean([training[:chips] for training in network], axis=0, dtype=np.float32) for network in pair
    )
    return np.asarray(first - second, dtype=np.float32)
