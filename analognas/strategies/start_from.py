"""Known architectures first: published networks, the results of earlier searches, the references of this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt

from analognas.metrics import TABLE
from analognas.specs.problems import nearest
from analognas.strategies.problem import SearchProblem
from analognas.strategies.recommendation import posterior_worth
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import Genotype, genotypes, published_names, published_network


@final
@dataclass(frozen=True)
class StartFrom:
    """Proposes known candidates before anything that another strategy proposes.

    Attributes:
        known: canonical, admissible and different, in order.
        strategy: proposes the rest.
    """

    known: tuple[Proposal, ...]
    strategy: Strategy

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        seen = history.seen()
        first = [proposal for proposal in self.known if proposal.genotype not in seen][:n]
        if len(first) == n:
            return first
        rows = np.array([proposal.genotype for proposal in first], dtype=np.int64)
        rows = rows.reshape(len(first), history.population.shape[1])
        with_first = replace(history, pending=np.concatenate([history.pending, rows]))
        return [*first, *self.strategy.ask(problem, with_first, n - len(first), rng)]

    def posterior_worth(
        self, problem: SearchProblem, history: History, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Return what the other strategy believes each trial to be worth, `(n,)`."""
        return posterior_worth(self.strategy, problem, history, rng)


def known_first(
    problem: SearchProblem, entries: Sequence[Genotype], references: Sequence[str]
) -> tuple[Proposal, ...]:
    """Return the first proposals of a search: the given candidates, then the references that are candidates, each once.

    Args:
        problem: the space and its hard constraints.
        entries: canonical and admissible.
        references: names of published networks.
    """
    found = {candidate: Proposal(candidate, "given") for candidate in entries}
    for name in references:
        candidate = reference_candidate(problem, name)
        if candidate is not None:
            found.setdefault(candidate, Proposal(candidate, "reference"))
    return tuple(found.values())


def reference_candidate(problem: SearchProblem, name: str) -> Genotype | None:
    """Return the candidate that a published network is, or that is its counterpart; None where the problem has none."""
    for architecture in published_network(name).candidates:
        try:
            return _candidate(problem, architecture)
        except Exception:  # a space of another package may stumble over an architecture that nobody gave it
            continue
    return None


def given_candidate(problem: SearchProblem, entry: str | Mapping[str, Any]) -> Genotype:
    """Return the canonical genotype of a published network, by its name, or of an architecture.

    Args:
        problem: the space and its hard constraints.
        entry: a name, an architecture as the space describes it, or the content of a run's `architecture.json`.

    Raises:
        ValueError: when it is no candidate of the space, or breaks a hard constraint.
    """
    if isinstance(entry, str):
        return _candidate(problem, _published(entry))
    written = entry.get("architecture")
    if not isinstance(written, Mapping) or "genotype" not in entry:
        return _candidate(problem, entry)
    # a whole `architecture.json`, which says more than the architecture; that of a reference has its name alone
    name = written.get("name") if entry["genotype"] is None else None
    return _candidate(problem, _published(name) if isinstance(name, str) else written)


def _candidate(problem: SearchProblem, architecture: Mapping[str, Any]) -> Genotype:
    """Return the canonical genotype of an architecture.

    Raises:
        ValueError: when it is no candidate of the space, or breaks a hard constraint.
    """
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
    for name, bound in problem.hard_bounds.items():
        cost = float(problem.costs[name](candidate)[0])
        if not TABLE[name].keeps(cost, bound):
            raise ValueError(
                f"breaks a hard constraint: `{name} {TABLE[name].relation} {bound:,.15g}` must hold, got {cost:,.15g}"
            )
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
