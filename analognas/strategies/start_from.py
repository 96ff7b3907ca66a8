"""Known architectures first: published networks, or the results of earlier searches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from analognas.config.problems import nearest
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import Genotype, genotypes, published_names, published_network


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

    Args:
        problem: the space and its hard constraints.
        entry: a name, an architecture as the space describes it, or the content of a run's `architecture.json`.

    Raises:
        ValueError: when it is no candidate of the space, or breaks a hard constraint.
    """
    architecture = _published(entry) if isinstance(entry, str) else entry
    written = architecture.get("architecture")
    if isinstance(written, Mapping) and "genotype" in architecture:
        architecture = written  # a whole `architecture.json`, which says more than the architecture
    try:
        row = np.array([problem.space.parse(architecture)], dtype=np.int64)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        message = f"not a candidate of this space: {error}"
        if isinstance(architecture.get("name"), str):
            name = architecture["name"]
            message += f"; a published network is named by a plain text: `{name}`, not `name: {name}`"
        raise ValueError(message) from None
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


def _published(name: str) -> Mapping[str, Any]:
    """Return the architecture of a published network, and an error that knows what was meant for any other text."""
    architectures = {known: published_network(known).architecture for known in published_names()}
    architecture = architectures.get(name)
    if architecture is not None:
        return architecture
    if name in architectures:
        raise ValueError(f"{name!r} is a network of its own kind and no candidate of any space")
    if name.endswith(".json"):
        raise ValueError(f"a file's name is no architecture: write the content of {name!r} here")
    candidates = [known for known, written in architectures.items() if written is not None]
    raise ValueError(f"there is no published network {name!r}{nearest(name, candidates)}")
