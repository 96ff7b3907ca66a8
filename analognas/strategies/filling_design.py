"""A first design that fills the budget: stratified over the logarithm of the parameters, most of it near the bound.

    share_i = 16^(−u_i²),   u_i = (i + ½) / n,   i = 0 … n − 1

are the shares of the bound that the design aims at: half of it above 0.5, the smallest near 1/16. Random candidates
have a fifth of the bound in the median, and a surrogate that has seen no large network cannot know what size is worth.
Each stratum takes, from a large admissible hypercube, the candidate within it that differs most from those before.

A bound on MACs or tiles is filled in the same way where parameters are free. Without any hard bound there is nothing to
fill: the design is a Latin hypercube.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
import numpy.typing as npt

from analognas.metrics import COST_BOUNDS, TABLE
from analognas.strategies.latin_hypercube import (
    DesignMemo,
    LatinHypercube,
    admissible_design,
    next_of_designs,
)
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal
from search_spaces import Population

SMALLEST_SHARE: Final = 1 / 16
POOL: Final = 64
"""Candidates that are drawn for each one of the design."""

FEWEST: Final = 1024
"""The same for a small design."""


@final
@dataclass(frozen=True)
class FillingDesign:
    """Proposes the candidates of filling designs, one design after the other.

    Attributes:
        size: candidates in a design, 1 or more.
        seed: of the designs, 0 or more; the generator of a call is not used.
    """

    size: int
    seed: int
    _memo: DesignMemo = field(default_factory=DesignMemo, init=False, repr=False, compare=False)

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose the next `n` candidates of the designs, fewer when the designs have nothing new."""
        if not _bounded(problem):
            return LatinHypercube(self.size, self.seed).ask(problem, history, n, rng)
        return next_of_designs(
            lambda number: self.design(problem, number), self.size, history, n, "filling-design"
        )

    def design(self, problem: SearchProblem, number: int = 0) -> Population:
        """Return the design `number`, counted from 0, for a problem with a bound, `(<= size, genes)`."""
        return self._memo.get(problem, number, lambda: self._draw(problem, number))

    def _draw(self, problem: SearchProblem, number: int) -> Population:
        rng = np.random.default_rng([self.seed, number])
        pool = admissible_design(problem, max(FEWEST, POOL * self.size), rng)
        return pool[_filling(problem, pool, self.size, rng)]


def _shares(problem: SearchProblem, population: Population) -> npt.NDArray[np.float64]:
    """Return the share that each candidate takes of the first bound in the table of metrics."""
    metric, bound = next(iter(_bounded(problem).items()))
    return TABLE[metric].share(problem.costs[metric](population), bound)


def _bounded(problem: SearchProblem) -> dict[str, float]:
    """Return the bounds that networks grow towards."""
    return {name: bound for name, bound in problem.hard_bounds.items() if name in COST_BOUNDS}


def _filling(
    problem: SearchProblem, pool: Population, size: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Return the rows of the design, in random order: batches of a design are as mixed as the whole."""
    shares = _shares(problem, pool)
    if len(pool) <= size:
        return rng.permutation(len(pool))
    place = np.sqrt(np.maximum(np.log(np.maximum(shares, 1e-12)) / np.log(SMALLEST_SHARE), 0.0))
    features = problem.space.encode(pool).to_numpy(dtype=np.float64)
    width = np.ptp(features, axis=0)
    scaled = features / np.where(width > 0, width, 1.0)
    distance = np.full(len(pool), np.inf)
    chosen: list[int] = []
    for stratum in rng.permutation(size):
        middle = (stratum + 0.5) / size
        free = np.setdiff1d(np.arange(len(pool)), chosen, assume_unique=True)
        inside = free[np.abs(place[free] - middle) <= 0.5 / size]
        if not len(inside):
            inside = free[[np.argmin(np.abs(place[free] - middle))]]
        row = int(inside[np.argmax(distance[inside])] if chosen else rng.choice(inside))
        chosen.append(row)
        distance = np.minimum(distance, np.square(scaled - scaled[row]).sum(axis=1))
    return np.array(chosen, dtype=np.intp)
