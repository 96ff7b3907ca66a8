"""Candidates to learn from: some of one size, a stratified design of all sizes, and evolved ones among them.

A surrogate needs rows of every size, rows near the best, where a search asks it, and rows of equal size, on which
"larger is better" says nothing. The first candidates are those of equal size, so that trainings of them can be repeated
early; after them the other two kinds alternate in the wanted share, so that the record of a collection that stops early
has the same composition.

    equal size: parameters within ±4.7 % of one value, so that any two of them differ by a tenth at most
    stratified: the designs of `filling_design`
    evolved:    mutants of winners of tournaments among the youngest trials (`regularized_evolution`)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, final

import numpy as np
from pydantic import Field

from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.filling_design import FillingDesign
from analognas.strategies.latin_hypercube import DesignMemo
from analognas.strategies.novelty import after, new_candidates
from analognas.strategies.problem import SearchProblem
from analognas.strategies.regularized_evolution import RegularizedEvolution
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import Population, genotypes

EQUAL: Final = 1 / 21
"""Relative half width of a window whose ends differ by a tenth of the lower one."""

FEWEST_COMPLETED: Final = 20
"""Completed trials before which nothing evolves."""

LIVING: Final = 64
TOURNAMENT: Final = 8
"""Youngest trials that may be parents, and those drawn for one parent."""

DRAWN: Final = 8192
MOST_DRAWN: Final = 24 * DRAWN
"""Rows drawn at a time, and at most, in search of candidates of equal size."""

SPARE: Final = 8
"""Candidates of equal size to choose each one from."""


class CollectionSpec(StrategySpec):
    """Records to train surrogates on: equal sizes, a stratified design, evolved candidates. For `analognas collect`."""

    multi_objective: ClassVar[bool] = True  # a design covers the space whatever is to be improved

    kind: Literal["collection"] = "collection"
    equal_size: int = Field(
        default=60, ge=0, le=10_000, description="first candidates, of one size: parameters within a tenth"
    )
    equal_parameters: int | None = Field(
        default=None, ge=1, description="that size; null: the median of the first stratified design"
    )
    stratified: int = Field(default=100, ge=1, le=10_000, description="candidates in a stratified design")
    evolved: float = Field(
        default=0.4, ge=0, lt=1, description="share of evolved candidates among all others"
    )

    def build(self, seed: int) -> Strategy:
        """Return the strategy."""
        return CollectionStrategy(
            self.equal_size, self.equal_parameters, FillingDesign(self.stratified, seed), self.evolved
        )


@final
@dataclass(frozen=True)
class CollectionStrategy:
    """Proposes the candidates of a collection.

    Attributes:
        equal_size: first candidates, of one size.
        equal_parameters: that size; None: the median of the first design.
        design: of all sizes; its seed is that of the candidates of equal size, too.
        evolved: share of evolved candidates among those after the first, from 0 to below 1.
    """

    equal_size: int
    equal_parameters: int | None
    design: FillingDesign
    evolved: float
    _memo: DesignMemo = field(default_factory=DesignMemo, init=False, repr=False, compare=False)

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        seen = history.seen()
        equal = genotypes(self._memo.get(problem, 0, lambda: self._of_equal_size(problem)))
        found = [Proposal(genotype, "equal-size") for genotype in equal if genotype not in seen][:n]
        begun, left = len(history) - history.earlier + len(history.pending) + len(found), n - len(found)
        if left and history.completed.sum() >= FEWEST_COMPLETED:
            n_evolved = int((begun + left) * self.evolved) - int(begun * self.evolved)
            evolution = RegularizedEvolution(min(LIVING, len(history)), TOURNAMENT)
            found += evolution.ask(problem, after(history, found), n_evolved, rng)
        if len(found) < n:
            found += self.design.ask(problem, after(history, found), n - len(found), rng)
        return found

    def _of_equal_size(self, problem: SearchProblem) -> Population:
        """Return different candidates of one size, `(<= equal_size, genes)`, each far from those before it."""
        rng = np.random.default_rng([self.design.seed, 1 << 32])
        first = problem.space.sample(1, rng)[:0]
        middle = self.equal_parameters
        if middle is None and self.equal_size:
            of_all_sizes = self.design.ask(problem, _nothing(first), self.design.size, rng)
            if not of_all_sizes:
                return first
            rows = np.array([proposal.genotype for proposal in of_all_sizes], dtype=np.int64)
            middle = int(np.median(problem.space.parameters(rows)))
        pool, drawn = first, 0
        while len(pool) < SPARE * self.equal_size and drawn < MOST_DRAWN:
            assert middle is not None
            rows = problem.space.canonical(problem.space.latin_hypercube(DRAWN, rng))
            rows = rows[[not reason for reason in problem.space.problems(rows)]]
            near = np.abs(problem.space.parameters(rows) / middle - 1) < EQUAL
            pool = np.concatenate([pool, new_candidates(problem, rows[near], set(genotypes(pool)))])
            drawn += DRAWN
        return pool[_far_apart(problem, pool, self.equal_size)]


def _far_apart(problem: SearchProblem, pool: Population, n: int) -> list[int]:
    """Return at most `n` rows of a pool, each the one that differs most from those before it."""
    if not len(pool) or not n:
        return []
    features = problem.space.encode(pool).to_numpy(dtype=np.float64)
    width = np.ptp(features, axis=0)
    scaled = features / np.where(width > 0, width, 1.0)
    chosen = [0]
    distance = np.square(scaled - scaled[0]).sum(axis=1)
    while len(chosen) < min(n, len(pool)):
        distance[chosen[-1]] = -1.0
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.square(scaled - scaled[chosen[-1]]).sum(axis=1))
    return chosen


def _nothing(rows: Population) -> History:
    import pandas as pd

    return History(population=rows, metrics=pd.DataFrame(), pending=rows)
