"""Candidates worth proposing: canonical, admissible, mutually different and never proposed before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final, TypeAlias, final

import numpy as np

from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal
from search_spaces import Genotype, Population, genotypes

Draw: TypeAlias = Callable[[int, np.random.Generator], Population]
"""From a size and a generator to `(size, genes)` valid genotypes."""

MAX_DRAWS: Final = 200_000
"""Draws after which a sampling loop gives up: one admissible candidate in 10,000 still gives twenty."""

MAX_BARREN: Final = 20_000
"""Rows without anything new after which a space counts as exhausted: one new candidate in 2,000 is still found."""

FIRST_DRAW: Final = 64


@final
class NewBatch:
    """Proposals of one call, gathered from several sources, none of them known before.

    Attributes:
        proposals: so far.
        rng: the generator of the call.
    """

    def __init__(self, problem: SearchProblem, history: History, rng: np.random.Generator) -> None:
        self.proposals: list[Proposal] = []
        self._problem = problem
        self._known = set(history.seen())
        self.rng = rng

    def add(self, population: Population, n: int, origin: str) -> None:
        """Add the first `n` new candidates of `population`."""
        chosen = genotypes(new_candidates(self._problem, population, self._known)[:n])
        self._known.update(chosen)
        self.proposals += [Proposal(genotype, origin) for genotype in chosen]

    def draw(self, n: int, source: Draw, origin: str) -> None:
        """Add at most `n` new candidates that `source` draws."""
        if n > 0:
            drawn = genotypes(draw_new(self._problem, source, n, self._known, self.rng))
            self._known.update(drawn)
            self.proposals += [Proposal(genotype, origin) for genotype in drawn]


def after(history: History, proposals: Sequence[Proposal]) -> History:
    """Return a history in which proposals are pending, too."""
    if not proposals:
        return history
    rows = np.array([proposal.genotype for proposal in proposals], dtype=np.int64)
    known = None if history.known is None else history.known | set(genotypes(rows))
    return replace(history, pending=np.concatenate([history.pending, rows]), known=known)


def new_candidates(problem: SearchProblem, population: Population, known: Collection[Genotype]) -> Population:
    """Return the rows worth proposing, canonical and in order, `(<= n, genes)`.

    Args:
        problem: decides what is admissible.
        population: `(n, genes)` int64, valid genotypes.
        known: canonical genotypes to leave out.
    """
    if not len(population):
        return population
    distinct = unknown(problem.space.canonical(population), known)
    return distinct[problem.admissible(distinct)] if len(distinct) else distinct


def unknown(canonical: Population, known: Collection[Genotype]) -> Population:
    """Return the rows that differ from all before them and are not in `known`, in order, `(<= n, genes)`."""
    taken = set(known)
    fresh = np.zeros(len(canonical), dtype=np.bool_)
    for row, genotype in enumerate(genotypes(canonical)):
        if genotype not in taken:
            taken.add(genotype)
            fresh[row] = True
    return canonical[fresh]


def draw_new(
    problem: SearchProblem,
    draw: Draw,
    n: int,
    known: Collection[Genotype],
    rng: np.random.Generator,
) -> Population:
    """Return at most `n` new candidates from repeated calls of `draw(size, rng)`, `(<= n, genes)`.

    Draws grow while they bring too little and end after `MAX_DRAWS` rows, or once `MAX_BARREN` rows bring
    nothing after others brought something, so that a constraint that nothing meets and an exhausted space
    both end the loop.
    """
    taken = set(known)
    size = max(FIRST_DRAW, 2 * n)
    drawn = barren = count = 0
    batches: list[Population] = []
    while not batches or (count < n and drawn < MAX_DRAWS and barren < MAX_BARREN):
        new = new_candidates(problem, draw(size, rng), taken)
        taken.update(genotypes(new))
        batches.append(new)
        count += len(new)
        drawn += size
        # Only a space that has answered before can be exhausted; under a tight constraint the draws go on.
        barren = barren + size if taken and not len(new) else 0
        size = min(2 * size, max(MAX_DRAWS - drawn, 1))
    return np.concatenate(batches)[:n]
