"""Known architectures first: published networks, or the results of earlier searches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import Genotype, genotypes, published_network


@final
@dataclass(frozen=True)
class StartFrom:
    """Proposes given candidates before anything that another strategy proposes.

    Attributes:
        candidates: canonical and admissible, in order.
        strategy: proposes the rest.
    """

    candidates: tuple[Genotype, ...]
    strategy: Strategy

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        seen = history.seen()
        given = [candidate for candidate in self.candidates if candidate not in seen][:n]
        proposals = [Proposal(candidate, "given") for candidate in given]
        if len(given) < n:
            rows = np.array(given, dtype=np.int64).reshape(len(given), history.population.shape[1])
            with_given = replace(history, pending=np.concatenate([history.pending, rows]))
            proposals += self.strategy.ask(problem, with_given, n - len(given), rng)
        return proposals


def given_candidate(problem: SearchProblem, entry: str | Mapping[str, Any]) -> Genotype:
    """Return the canonical genotype of a published network, by its name, or of an architecture.

    Raises:
        ValueError: when it is no candidate of the space, or breaks a hard constraint.
    """
    try:
        architecture = published_network(entry).architecture if isinstance(entry, str) else entry
        if architecture is None:
            raise ValueError(f"{entry!r} is a network of its own kind and no candidate of any space")
        row = np.array([problem.space.parse(architecture)], dtype=np.int64)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"not a candidate of this space: {error}") from None
    candidate = problem.space.canonical(row)
    reason = problem.space.problems(candidate)[0]
    if reason:
        raise ValueError(f"cannot be built: {reason}")
    costs = {"parameters": problem.space.parameters(candidate)[0], "macs": problem.space.macs(candidate)[0]}
    for name, cost in costs.items():
        bound = problem.upper_bounds.get(name, np.inf)
        if cost > bound:
            raise ValueError(f"breaks a hard constraint: `{name} <= {bound:,.0f}` must hold, got {cost:,}")
    return genotypes(candidate)[0]
