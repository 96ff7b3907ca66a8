"""The budgets of successive halving.

Rung k trains with η^(k - rungs + 1) of the epochs and validates on as many of the chips; the last rung is the full
budget. `analognas.ladder` decides who climbs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

FEWEST_CHIPS: Final = 2


@dataclass(frozen=True)
class RungPlan:
    """What every candidate on a rung gets, and how many there are when none fails."""

    candidates: int
    share: float
    digital_epochs: int
    hardware_aware_epochs: int
    chips: int

    @property
    def budget(self) -> tuple[int, int, int]:
        """Digital epochs, hardware-aware epochs and chips of each candidate."""
        return self.digital_epochs, self.hardware_aware_epochs, self.chips


@dataclass(frozen=True)
class Halving:
    """The rungs.

    Attributes:
        eta: of so many candidates of a rung one is promoted, 2 or more; budgets grow by the same factor.
        rungs: how many, 2 or more.
    """

    eta: int
    rungs: int

    def budget(self, rung: int) -> float:
        """Return the share of the full budget that a rung has."""
        return float(self.eta) ** (rung - self.rungs + 1)

    def evaluations(self, candidates: int) -> int:
        """Return how many evaluations so many candidates take on all rungs together, none failing."""
        return sum(candidates // self.eta**rung for rung in range(self.rungs))


def reduced_epochs(epochs: int, share: float) -> int:
    """Return this share of the epochs, at least one where there are any."""
    return max(1, round(share * epochs)) if epochs else 0


def reduced_chips(chips: int, share: float) -> int:
    """Return this share of the chips, at least two: the spread over chips needs them."""
    return max(FEWEST_CHIPS, math.ceil(share * chips))
