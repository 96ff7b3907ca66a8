"""Algorithm 1 of AnalogNAS: evolution by mutation on the predictions of a surrogate.

    population ← Latin hypercube under T_p, violators of T_AVM replaced by another draw from their cell
    repeat: parents ← best half by prediction;  children ← mutation(parents, T_p);  population ← parents ∪
        children

Where the paper leaves a choice:

- A cell of a hypercube over a few integers holds one architecture, so "another draw from the cell" is the nearest
  candidate, in gene space, of a fresh hypercube that meets T_AVM.
- The loop compares by what candidates are worth (`worth`), so that T_AVM counts beyond the first population and nothing
  is gained by keeping it with a network that has learned nothing.
- A child above T_p is mutated again from its parent, a few times, and then left out.
- Equal networks are kept once, so that a population holds `population` different ones at most.

References:
    H. Benmeziane et al., AnalogNAS: A neural network design framework for accurate inference with analog
    in-memory computing, 2023, arXiv 2305.10459, Algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analognas.strategies.appraisal import Appraisal, Appraise
from analognas.strategies.latin_hypercube import admissible_design
from analognas.strategies.novelty import new_candidates, unknown
from analognas.strategies.problem import SearchProblem
from search_spaces import Population, genotypes

RETRIES: Final = 3
"""Further mutations of a parent whose child is not admissible, before it stays without."""

CELL_REDRAWS: Final = 3
"""Fresh hypercubes that are searched for a neighbour which meets T_AVM."""


@dataclass(frozen=True)
class Evolved:
    """A population after the search, best first.

    Attributes:
        population: `(n, genes)` canonical, admissible, different.
        appraisal: of each row.
    """

    population: Population
    appraisal: Appraisal


def algorithm_1(
    problem: SearchProblem,
    appraise: Appraise,
    *,
    population: int,
    iterations: int,
    rng: np.random.Generator,
    initial: Population | None = None,
) -> Evolved:
    """Return the last population, best first; empty when no admissible candidate was found.

    Args:
        problem: the space and its hard constraints.
        appraise: what candidates are worth, such as a fitted surrogate's prediction.
        population: candidates in a population, 2 or more.
        iterations: generations.
        rng: draws the hypercube and the mutations.
        initial: `(n, genes)` candidates that join the first population; none in the paper.
    """
    members = _within_soft_bounds(problem, appraise, admissible_design(problem, population, rng), rng)
    if initial is not None and len(initial):
        members = new_candidates(problem, np.concatenate([initial, members]), ())
    if not len(members):
        return Evolved(members, Appraisal(worth=np.empty(0), feasible=np.empty(0, dtype=np.bool_)))
    appraisal = appraise(members)
    for _ in range(iterations):
        best = appraisal.best_first()[: (population + 1) // 2]
        parents, appraisal = members[best], appraisal.take(best)
        children = offspring(problem, parents, rng)
        members = np.concatenate([parents, children])
        if len(children):
            appraisal = appraisal.joined(appraise(children))
    order = appraisal.best_first()
    return Evolved(members[order], appraisal.take(order))


def offspring(problem: SearchProblem, parents: Population, rng: np.random.Generator) -> Population:
    """Return new, admissible mutants, at most one a parent, `(<= n, genes)`.

    Args:
        problem: the space and its hard constraints.
        parents: `(n, genes)`.
        rng: draws the mutations.
    """
    children = problem.space.canonical(problem.space.mutate(parents, rng))
    allowed = problem.admissible(children)
    rejected = np.flatnonzero(~allowed)
    if len(rejected):
        # All further tries at once: a call on many rows costs little more than one on few.
        again = np.repeat(rejected, RETRIES)
        mutants = problem.space.canonical(problem.space.mutate(parents[again], rng))
        (passed,) = np.nonzero(problem.admissible(mutants))
        rescued, first = np.unique(again[passed], return_index=True)
        children[rescued] = mutants[passed[first]]
        allowed[rescued] = True
    return unknown(children[allowed], genotypes(parents))


def _within_soft_bounds(
    problem: SearchProblem, appraise: Appraise, members: Population, rng: np.random.Generator
) -> Population:
    """Replace candidates that break a soft bound by their nearest neighbours of fresh hypercubes."""
    for _ in range(CELL_REDRAWS):
        if not len(members):
            break
        broken = np.flatnonzero(~appraise(members).feasible)
        if not len(broken):
            break
        fresh = admissible_design(problem, len(members), rng)
        fresh = new_candidates(problem, fresh, set(genotypes(members)))
        fresh = fresh[appraise(fresh).feasible] if len(fresh) else fresh
        both = np.concatenate([members, fresh])
        width = np.maximum(both.max(axis=0) - both.min(axis=0), 1)
        members = members.copy()
        for row in broken[: len(fresh)]:
            nearest = int(np.argmin((np.abs(fresh - members[row]) / width).sum(axis=1)))
            members[row] = fresh[nearest]
            fresh = np.delete(fresh, nearest, axis=0)
    return members
