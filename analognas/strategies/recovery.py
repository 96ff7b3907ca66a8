"""A strategy that watches itself: when its proposals are worse than chance, it explores around the best trials instead.

After the first design, `PATIENCE` trials in a row that fail, or whose objective is below the median of the design or
below half of its best, mean that the surrogate, or a bound, leads the search astray: on hard data most of a design may
have learned nothing, its median included. Mutants of the trials that are best in the objective, whatever they are worth
under soft bounds, are then proposed until one of the last trials is better than that. All of it follows from the
history. Of several objectives a low first one is no sign of anything, and nothing is watched. A strategy without a
surrogate is led astray by soft bounds alone; without them it stays as it was published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from analognas.strategies.novelty import NewBatch
from analognas.strategies.problem import SearchProblem
from analognas.strategies.recommendation import posterior_worth
from analognas.strategies.strategy import History, Proposal, Strategy
from analognas.strategies.worth import least_useful
from search_spaces import Population

PATIENCE: Final = 3
"""Trials in a row below the median of the design; of a search as good as chance one in eight begins so."""

LEADERS: Final = 3
"""Best trials whose mutants are proposed."""

RECOVERY: Final = "recovery"
"""Origin of what is proposed instead of what the strategy would have."""

BEHIND: Final = "worse than half of the first design, or less than half as good as its best trial"
"""What such trials are."""

FALLEN_BEHIND: Final = f"the last {PATIENCE} trials are {BEHIND}: exploring around the best trials"
"""What is said when a strategy falls behind."""


@final
@dataclass(frozen=True)
class SelfWatching:
    """Proposes what another strategy does, as long as that does better than the first design.

    Attributes:
        strategy: the other one.
        design: trials of its first design.
        always: whether it is watched where no soft bound is set as well.
    """

    strategy: Strategy
    design: int
    always: bool = True

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        watched = not problem.further and (self.always or problem.soft_bounds)
        if not watched or not fallen_behind(problem, history, self.design):
            return self.strategy.ask(problem, history, n, rng)
        done = np.flatnonzero(history.completed)
        score = problem.score(history.metrics.iloc[done])
        leaders = history.population[done[np.argsort(-score, kind="stable")[:LEADERS]]]

        def mutants(size: int, generator: np.random.Generator) -> Population:
            return problem.space.mutate(leaders[generator.integers(len(leaders), size=size)], generator)

        batch = NewBatch(problem, history, rng)
        batch.draw(n, mutants, RECOVERY)
        batch.draw(n - len(batch.proposals), problem.space.sample, RECOVERY)
        return batch.proposals

    def posterior_worth(
        self, problem: SearchProblem, history: History, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Return what the strategy believes each trial to be worth, `(n,)`."""
        return posterior_worth(self.strategy, problem, history, rng)


def fallen_behind(problem: SearchProblem, history: History, design: int) -> bool:
    """Return whether the last trials are worse than half of the first `design` ones.

    >>> from analognas.bench import synthetic_table
    >>> table = synthetic_table()
    >>> order = np.argsort(-table.measure(table.population)["accuracy_1d"].to_numpy())
    >>> rows = table.population[order[[0, 1, 2, 3, -1, -2, -3]]]
    >>> fallen_behind(table.problem, History(rows, table.measure(rows), rows[:0]), design=4)
    True
    """
    scores = problem.score(history.metrics)
    scores = np.where(np.isfinite(scores), scores, -np.inf)
    first = scores[:design][np.isfinite(scores[:design])]
    last = scores[max(design, history.earlier) :][-PATIENCE:]  # nobody here proposed the trials of other runs
    if not len(first) or len(last) < PATIENCE:
        return False
    return bool((last < max(np.median(first), least_useful(first.max()))).all())
