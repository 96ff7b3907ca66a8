"""Regularized evolution: tournaments among the youngest trials, the oldest die whatever their worth.

References:
    E. Real, A. Aggarwal, Y. Huang, Q. V. Le, Regularized evolution for image classifier architecture search,
    AAAI 2019, arXiv 1802.01548.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self, final

import numpy as np
from pydantic import Field, model_validator

from analognas.specs.base import MismatchError
from analognas.strategies.appraisal import trial_appraisal
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.novelty import NewBatch
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import Population


class RegularizedEvolutionSpec(StrategySpec):
    """Regularized evolution: tournaments among the youngest trials. Robust, and needs hundreds of trials."""

    learns_after: ClassVar[str] = "population"

    kind: Literal["regularized-evolution"] = "regularized-evolution"
    population: int = Field(default=30, ge=2, le=100_000, description="youngest trials that are alive")
    tournament: int = Field(default=8, ge=1, le=100_000, description="trials drawn for a tournament")

    @model_validator(mode="after")
    def _population_fills_a_tournament(self) -> Self:
        if self.tournament > self.population:
            raise MismatchError(
                f"`tournament <= population` must hold, got {self.tournament} > {self.population}",
                ("tournament",),
                ("population",),
            )
        return self

    def build(self, seed: int) -> Strategy:
        """Return the strategy; it draws from the generator of each call alone."""
        return self.watched(RegularizedEvolution(population=self.population, tournament=self.tournament))


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
