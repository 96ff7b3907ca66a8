"""NSGA-II: evolution towards the Pareto front of several objectives.

The survivors are the best `population` of all trials, by non-dominated rank and then by crowding distance.
Parents win binary tournaments by the same order; children come from crossover and mutation. With one
objective it is an elitist genetic algorithm.

References:
    K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, A fast and elitist multiobjective genetic algorithm: NSGA-II,
    IEEE Transactions on Evolutionary Computation 6(2), 2002.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.nondominated import crowding_distances, nondominated_ranks
from analognas.strategies.novelty import NewBatch
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import Population


class NSGA2Spec(StrategySpec):
    """NSGA-II: evolution towards the Pareto front of several objectives."""

    multi_objective: ClassVar[bool] = True
    learns_after: ClassVar[str] = "population"

    kind: Literal["nsga2"] = "nsga2"
    population: int = Field(default=30, ge=2, le=100_000, description="survivors, and random trials before")
    crossover: float = Field(default=0.9, ge=0, le=1, description="probability that a child has two parents")

    def build(self, seed: int) -> Strategy:
        """Return the strategy; it draws from the generator of each call alone."""
        return self.watched(NSGA2(population=self.population, crossover=self.crossover))


@final
@dataclass(frozen=True)
class NSGA2:
    """Proposes children of the trials that are nearest the Pareto front.

    Attributes:
        population: survivors; as many random trials start the search.
        crossover: probability that a child has two parents, 0 to 1; every child is mutated.
    """

    population: int
    crossover: float

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        survivors = self.survivors(problem, history)

        def breed(size: int, generator: np.random.Generator) -> Population:
            # Survivors stand in order, so that the smaller place wins a tournament.
            places = generator.integers(len(survivors), size=(2, size, 2)).min(axis=2)
            first, second = survivors[places[0]], survivors[places[1]]
            crossed = generator.random(size) < self.crossover
            children = first.copy()
            if crossed.any():
                children[crossed] = problem.space.crossover(first[crossed], second[crossed], generator)
            return problem.space.mutate(children, generator)

        started = len(history) + len(history.pending)
        n_random = min(n, max(self.population - started, 0)) if len(survivors) else n
        batch = NewBatch(problem, history, rng)
        batch.draw(n_random, problem.space.sample, "random")
        if len(survivors):
            batch.draw(n - len(batch.proposals), breed, "nsga2")
        batch.draw(n - len(batch.proposals), problem.space.sample, "random")
        return batch.proposals

    def survivors(self, problem: SearchProblem, history: History) -> Population:
        """Return the best `population` completed trials, `(<= population, genes)`, best first."""
        rows = np.flatnonzero(history.completed)
        if not len(rows):
            return history.population[:0]
        values = problem.values(history.population[rows], history.metrics.iloc[rows])
        ranks = nondominated_ranks(values)
        order: npt.NDArray[np.intp] = np.lexsort((-crowding_distances(values, ranks), ranks))
        return history.population[rows[order[: self.population]]]
