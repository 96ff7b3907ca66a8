"""Which values the genes of a space take, learnt from what the space draws: no space has to say it.

A gene of few values that are all drawn often takes these and no others. Of any other gene an end of its range is known
where enough draws lie near it: where none would be missed if draws were uniform. Rare values leave an end open, and
whatever is beyond it passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self, final

import numpy as np
import numpy.typing as npt

from search_spaces import ArchitectureSpace, Genotype, Population

DRAWN: Final = 4096
"""Candidates drawn of a space, and as many mutants of them."""

FEW: Final = 64
"""Values of a gene that may be listed."""

OFTEN: Final = 20
"""Draws of a value that is no accident, and of the end of a range: uniform draws miss it once in 10^8."""


@final
@dataclass(frozen=True)
class GeneValues:
    """What one gene may be.

    Attributes:
        listed: its values where they are few and known, ascending; empty otherwise.
        lowest: of the range; None where it is not known.
        highest: of the range; None where it is not known.
    """

    listed: tuple[int, ...]
    lowest: int | None
    highest: int | None

    @classmethod
    def of(cls, drawn: npt.NDArray[np.int64]) -> Self:
        """Return what `(draws,)` values of one gene tell."""
        values, counts = np.unique(drawn, return_counts=True)
        low, high = int(values[0]), int(values[-1])
        if len(values) <= FEW and counts.min() >= OFTEN:
            return cls(tuple(values.tolist()), low, high)
        near = (high - low) * OFTEN / len(drawn)
        at_low, at_high = (drawn <= low + near).sum(), (drawn >= high - near).sum()
        return cls(
            (),
            low - int(near) if at_low >= OFTEN / 2 else None,
            high + int(near) if at_high >= OFTEN / 2 else None,
        )

    def rule(self, value: int) -> str:
        """Return what `value` breaks, such as `must lie within 1 to 40`; empty where it breaks nothing."""
        below = self.lowest is not None and value < self.lowest
        above = self.highest is not None and value > self.highest
        gaps = bool(self.listed) and self.listed[-1] - self.listed[0] >= len(self.listed)
        if gaps and value not in self.listed:
            return f"must be one of {', '.join(map(str, self.listed))}"
        if not below and not above:
            return ""
        if self.lowest is None or self.highest is None:
            return f"must be at least {self.lowest}" if below else f"must be at most {self.highest}"
        return f"must lie within {self.lowest} to {self.highest}"


def outside(space: ArchitectureSpace, genotype: Genotype, known: Population) -> str:
    """Return the first gene with a value that the space never draws, and what it may be; empty where there is none.

    Args:
        space: hashed by identity; it is drawn from once.
        genotype: of as many genes as the space has.
        known: candidates of the search, `(n, genes)`, whose values pass.

    Example:
        >>> from search_spaces import ResNetSpace
        >>> space = ResNetSpace(m=(1, 1), r=(1, 2))
        >>> outside(space, (16, 3, 1, 9, 1, 1, 2, 1), space.sample(0, np.random.default_rng(0)))
        'gene 4 must lie within 1 to 2, got 9'
    """
    known_values = _gene_values(space)  # type: ignore[arg-type]  # the protocol does not say that objects have a hash
    for place, (values, gene) in enumerate(zip(known_values, genotype, strict=True)):
        rule = values.rule(gene)
        if rule and gene not in known[:, place]:
            return f"gene {place + 1} {rule}, got {gene}"
    return ""


@lru_cache(maxsize=4)
def _gene_values(space: ArchitectureSpace) -> tuple[GeneValues, ...]:
    rng = np.random.default_rng(0)
    drawn = space.sample(DRAWN, rng)
    population = np.concatenate([drawn, space.mutate(drawn, rng)])
    return tuple(GeneValues.of(gene) for gene in population.T)
