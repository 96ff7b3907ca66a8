"""Regularized evolution: tournaments among the youngest trials, the oldest die whatever their worth.

References:
    E. Real, A. Aggarwal, Y. Huang, Q. V. Le, Regularized evolution for image classifier architecture search,
    AAAI 2019, arXiv 1802.01548.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from analognas.strategies.appraisal import trial_appraisal
from analognas.strategies.novelty import NewBatch
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal
from search_spaces import Population


@final
@dataclass(frozen=True)
class RegularizedEvolution:
    """Proposes mutants of the winners of tournaments.

    Attributes:
        population: how many of the youngest trials are alive; as many random ones start the search.
        tournament: trials drawn from the living for a tournament.
    """

    population: int
    tournament: int

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        alive = history.population[-self.population :]
        completed = history.completed[-self.population :]
        # The best first; a failed trial loses every tournament.
        ranks = np.full(len(alive), len(alive))
        order = trial_appraisal(problem, history.metrics.iloc[-self.population :][completed]).best_first()
        ranks[np.flatnonzero(completed)[order]] = np.arange(len(order))

        def breed(size: int, rng: np.random.Generator) -> Population:
            drawn = rng.integers(len(alive), size=(size, self.tournament))
            winners = drawn[np.arange(size), np.argmin(ranks[drawn], axis=1)]
            return problem.space.mutate(alive[winners], rng)

        started = len(history) + len(history.pending)
        n_random = min(n, max(self.population - started, 0)) if completed.any() else n
        batch = NewBatch(problem, history, rng)
        batch.draw(n_random, problem.space.sample, "random")
        if completed.any():
            batch.draw(n - len(batch.proposals), breed, "mutation")
        # Where every mutant of the living is known, chance is all that is left.
        batch.draw(n - len(batch.proposals), problem.space.sample, "random")
        return batch.proposals
