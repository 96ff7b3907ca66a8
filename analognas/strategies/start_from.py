"""Known architectures first: published networks, or the results of earlier searches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import Genotype


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
