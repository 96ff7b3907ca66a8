"""Local search: mutants of the best trial, and of the next best once its neighbourhood is known.

Best-first, so that it leaves a local optimum by itself: when `patience` mutants of a trial bring nothing new,
the next best trial has its turn.

References:
    C. White, S. Nolen, Y. Savani, Exploring the loss landscape in neural architecture search, UAI 2021,
    arXiv 2005.02960.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
from pydantic import Field

from analognas.strategies.appraisal import trial_appraisal
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.novelty import NewBatch
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal, Strategy


class LocalSearchSpec(StrategySpec):
    """Local search: mutants of the best trial, then of the next best. Strong in small, smooth spaces."""

    learns_after: ClassVar[str] = "initial"

    kind: Literal["local-search"] = "local-search"
    initial: int = Field(default=10, ge=1, le=10_000, description="random trials that start the search")
    patience: int = Field(default=32, ge=1, le=10_000, description="mutants drawn of one trial")

    def build(self, seed: int) -> Strategy:
        """Return the strategy; it draws from the generator of each call alone."""
        return self.watched(LocalSearch(initial=self.initial, patience=self.patience))


@final
@dataclass(frozen=True)
class LocalSearch:
    """Proposes neighbours of the best trials.

    Attributes:
        initial: random trials that start the search.
        patience: mutants of a trial that are drawn before its neighbourhood counts as known.
    """

    initial: int
    patience: int

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        started = len(history) + len(history.pending)
        completed = np.flatnonzero(history.completed)
        batch = NewBatch(problem, history, rng)
        batch.draw(min(n, max(self.initial - started, 0)), problem.space.sample, "random")
        order = trial_appraisal(problem, history.metrics.iloc[completed]).best_first()
        for row in completed[order]:
            if len(batch.proposals) == n:
                break
            mutants = problem.space.mutate(np.repeat(history.population[[row]], self.patience, axis=0), rng)
            batch.add(mutants, n - len(batch.proposals), "neighbour")
        batch.draw(n - len(batch.proposals), problem.space.sample, "random")
        return batch.proposals
