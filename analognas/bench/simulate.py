"""A search replayed on a table: the driver's loop with a look-up in place of the training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analognas.bench.error import BenchError
from analognas.bench.table import BenchTable
from analognas.strategies import History, Strategy


def search_table(
    table: BenchTable, strategy: Strategy, budget: int, batch: int, seed: int, name: str = ""
) -> npt.NDArray[np.float64]:
    """Return the regret after each of `budget` evaluations, `(budget,)`.

    A strategy that proposes nothing more, because it has seen the whole table, keeps its regret to the end.

    Args:
        table: candidates and values.
        strategy: proposes.
        budget: evaluations, 1 or more.
        batch: candidates proposed at a time, before the strategy sees their values.
        seed: of the generators that the strategy is handed.
        name: of the strategy, for errors; by default that of its class.

    Raises:
        BenchError: when the strategy proposes nothing at all, twice the same candidate, or one outside the
            table.
    """
    problem, name = table.problem, name or type(strategy).__name__
    population = table.population[:0]
    while len(population) < budget:
        history = History(
            population=population,
            metrics=table.measure(population),
            pending=table.population[:0],
        )
        n = min(batch, budget - len(population))
        proposals = strategy.ask(problem, history, n, np.random.default_rng([seed, len(population)]))
        if not proposals:
            break
        new = np.array([proposal.genotype for proposal in proposals], dtype=np.int64)
        population = np.concatenate([population, new])
    if not len(population):
        raise BenchError(f"the strategy {name!r} proposed nothing from the table {table.name}")
    if len(np.unique(population, axis=0)) < len(population):
        raise BenchError(f"the strategy {name!r} proposed a candidate of the table {table.name} twice")
    regret = table.regret(population)
    return np.concatenate([regret, np.full(budget - len(regret), regret[-1])])
