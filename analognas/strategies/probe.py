"""Which candidates of a space are admissible: a random sample, and smaller ones near by where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analognas.strategies.problem import SearchProblem
from search_spaces import Population

DRAWN: Final = 4096
DESCENTS: Final = 64
KEPT: Final = 64
"""Of the smallest candidates, in each step of a descent."""

ENOUGH: Final = 200
"""Admissible candidates that quantiles are taken over."""

BREEDINGS: Final = 8


@dataclass(frozen=True)
class Probe:
    """What a sample of a space holds.

    Attributes:
        drawn: `(n, genes)` random candidates.
        admissible: `(m, genes)` candidates that can be built and meet every hard constraint: those that were drawn, or
            where there are none, smaller ones near by; empty where those break a constraint, too.
        share: fraction of random candidates that is admissible.
        smallest: `(k, genes)` the smallest that were found, where none of the drawn is admissible; empty otherwise.
    """

    drawn: Population
    admissible: Population
    share: float
    smallest: Population


def probe(problem: SearchProblem, rng: np.random.Generator) -> Probe:
    """Sample a space; mutate towards lower costs where the sample has nothing admissible."""
    drawn = problem.space.sample(DRAWN, rng)
    mask = problem.admissible(drawn)
    if mask.any():
        return Probe(drawn, drawn[mask], float(mask.mean()), drawn[:0])
    size = problem.share_of_bounds if problem.hard_bounds else problem.space.parameters
    smallest = drawn
    for _ in range(DESCENTS):
        pool = np.concatenate([smallest, problem.space.mutate(smallest, rng)])
        smallest = pool[np.argsort(size(pool), kind="stable")[:KEPT]]
        mask = problem.admissible(smallest)
        if mask.any():
            return Probe(drawn, smallest[mask], 0.0, smallest)
    return Probe(drawn, drawn[:0], 0.0, smallest)


def bred(problem: SearchProblem, admissible: Population, rng: np.random.Generator) -> Population:
    """Return admissible candidates enough for quantiles: those given, and their mutants where they are few."""
    for _ in range(BREEDINGS):
        if len(admissible) >= ENOUGH or not len(admissible):
            break
        parents = admissible[rng.integers(len(admissible), size=ENOUGH)]
        children = problem.space.mutate(parents, rng)
        children = children[problem.admissible(children)]
        admissible = np.unique(np.concatenate([admissible, children]), axis=0)
    return admissible


def quantiles(values: npt.ArrayLike) -> tuple[float, float, float]:
    """Return the 5 %, 50 % and 95 % quantiles, each a value that is there.

    >>> quantiles(range(101))
    (5.0, 50.0, 95.0)
    """
    low, median, high = np.quantile(np.asarray(values), (0.05, 0.5, 0.95), method="nearest")
    return float(low), float(median), float(high)
