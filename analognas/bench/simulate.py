"""A search replayed on a table: the driver's loop with a look-up in place of the training."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analognas.bench.error import BenchError
from analognas.bench.look_up import LookUp
from analognas.bench.table import BenchTable
from analognas.strategies import History, Strategy
from analognas.strategies.recommendation import recommended

_NOISE: Final = 1
"""Stream of the generator that draws trainings; asking has the streams of the evaluations before it."""


def search_table(
    table: BenchTable,
    strategy: Strategy,
    budget: int,
    batch: int,
    seed: int,
    name: str = "",
    *,
    look_up: LookUp = "mean",
) -> npt.NDArray[np.float64]:
    """Return the regret after each of `budget` evaluations, `(budget,)`.

    Where an evaluation shows the mean of all trainings, that is the distance of the best candidate so far from the best
    of the table. Where it shows one training, the best of many noisy figures is not the best candidate: regret is that
    of the candidate which the strategy would return, by the mean of its trainings. A strategy says at the end of each
    batch what it would return (`analognas.strategies.recommendation`).

    A strategy that proposes nothing more, because it has seen the whole table, keeps its regret to the end.

    Args:
        table: candidates and values.
        strategy: proposes.
        budget: evaluations, 1 or more.
        batch: candidates proposed at a time, before the strategy sees their values.
        seed: of the generators that the strategy is handed.
        name: of the strategy, for errors; by default that of its class.
        look_up: what an evaluation shows.

    Raises:
        BenchError: when the strategy proposes nothing at all, twice the same candidate, or one outside the
            table or above a bound.
    """
    problem, name = table.problem, name or type(strategy).__name__
    noise = np.random.default_rng([seed, _NOISE, 0])
    history = History(table.population[:0], table.measure(table.population[:0]), table.population[:0])
    returned: list[int] = []
    while len(history) < budget:
        n = min(batch, budget - len(history))
        proposals = strategy.ask(problem, history, n, np.random.default_rng([seed, len(history)]))
        if not proposals:
            break
        new = np.array([proposal.genotype for proposal in proposals], dtype=np.int64)
        metrics = table.measure(new)
        if look_up == "one-run":
            metrics[table.target] = table.one_run(new, noise)
        history = History(
            population=np.concatenate([history.population, new]),
            metrics=pd.concat([history.metrics, metrics], ignore_index=True),
            pending=table.population[:0],
        )
        returned += _returned(strategy, table, history, len(new), look_up, seed)
    population = history.population
    if not len(population):
        raise BenchError(f"the strategy {name!r} proposed nothing from the table {table.name}")
    if len(np.unique(population, axis=0)) < len(population):
        raise BenchError(f"the strategy {name!r} proposed a candidate of the table {table.name} twice")
    if not problem.admissible(population).all():
        above = population[int(np.argmin(problem.admissible(population)))].tolist()
        raise BenchError(f"the strategy {name!r} proposed {above} of the table {table.name}, above a bound")
    regret = table.regret(population[returned])
    return np.concatenate([regret, np.full(budget - len(regret), regret[-1])])


def _returned(
    strategy: Strategy, table: BenchTable, history: History, new: int, look_up: LookUp, seed: int
) -> list[int]:
    """Return the row that would be returned after each of the last `new` evaluations."""
    measured = history.metrics[table.target].to_numpy(dtype=np.float64)
    ends = range(len(history) - new + 1, len(history) + 1)
    rows = [int(np.argmax(measured[:end])) for end in ends]
    if look_up == "one-run":
        generator = np.random.default_rng([seed, _NOISE, len(history)])
        rows[-1] = recommended(strategy, table.problem, history, generator)
    return rows
