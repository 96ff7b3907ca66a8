"""A small space with a conditional gene, and an exact formula for what its candidates would measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from analognas.strategies import History, Objective, Proposal, SearchProblem, Strategy
from search_spaces import Genotype, Population

HIGH = np.array([9, 9, 9, 1, 9])


class LadderSpace:
    """Four rungs and a switch: 11,000 networks, because the last gene counts only while gene 3 is on."""

    def __init__(self, high: npt.ArrayLike = HIGH) -> None:
        self._high = np.asarray(high, dtype=np.int64)

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        return self.canonical(rng.integers(0, self._high + 1, size=(n, 5)))

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        struck = rng.random(population.shape) < 0.3
        drawn = rng.integers(0, self._high + 1, size=population.shape)
        return self.canonical(np.where(struck, drawn, population))

    def encode(self, population: Population) -> pd.DataFrame:
        names = ["a", "b", "c", "switch", "d"]
        return pd.DataFrame(population.astype(np.float32), columns=names)

    def build(self, genotype: Genotype) -> Any:
        raise NotImplementedError("no test of a strategy builds a network")

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Population:
        strata = np.stack([rng.permutation(n) for _ in range(5)], axis=1) if n else np.empty((0, 5))
        points = (strata + rng.random((n, 5))) / max(n, 1)
        return self.canonical(np.floor(points * (self._high + 1)).astype(np.int64))

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        return self.canonical(np.where(rng.random(first.shape) < 0.5, first, second))

    def canonical(self, population: Population) -> Population:
        canonical = population.copy()
        canonical[canonical[:, 3] == 0, 4] = 0
        return canonical

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        return 100 * population.sum(axis=1)

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        return 1000 * population.sum(axis=1)

    def problems(self, population: Population) -> list[str]:
        return ["a = b = 0 has no path" if a == b == 0 else "" for a, b in population[:, :2].tolist()]

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        return {"genes": list(genotype)}

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        return tuple(architecture["genes"])


def measure(population: Population) -> pd.DataFrame:
    """What a candidate measures: a hill with its top, 1.0, at (7, 3, 5, 1, 6); its AVM grows with a."""
    a, b, c, switch, d = population.T.astype(np.float64)
    hill = (a - 7) ** 2 + (b - 3) ** 2 + 0.5 * (c - 5) ** 2 + np.where(switch == 1, 0.5 * (d - 6) ** 2, 20)
    return pd.DataFrame({"accuracy_1d": 1.0 - hill / 150, "std_1d": 0.001 + 0.001 * c, "avm": 0.01 * a})


EMPTY = np.empty((0, 5), dtype=np.int64)


def history(
    population: Population = EMPTY,
    failed: tuple[int, ...] = (),
    pending: Population = EMPTY,
) -> History:
    """The history after `population` was evaluated, the rows `failed` without metrics."""
    metrics = measure(population)
    metrics.iloc[list(failed)] = np.nan
    return History(population=population, metrics=metrics, pending=pending)


def as_population(proposals: list[Proposal]) -> Population:
    return np.array([proposal.genotype for proposal in proposals], dtype=np.int64).reshape(-1, 5)


def run(strategy: Strategy, problem: SearchProblem, budget: int, batch: int = 4, seed: int = 0) -> History:
    """Search serially until `budget` trials are done or the strategy ends."""
    population = EMPTY
    while len(population) < budget:
        n = min(batch, budget - len(population))
        rng = np.random.default_rng([seed, len(population)])
        proposals = strategy.ask(problem, history(population), n, rng)
        if not proposals:
            break
        population = np.concatenate([population, as_population(proposals)])
    return history(population)


@pytest.fixture
def ladder() -> LadderSpace:
    return LadderSpace()


@pytest.fixture
def problem(ladder: LadderSpace) -> SearchProblem:
    return SearchProblem(ladder, Objective("accuracy_1d", 1), {"parameters": 2500})


@pytest.fixture
def bench() -> type[Bench]:
    return Bench


class Bench:
    """The functions above, handed to tests as a fixture because test folders are no packages."""

    space: Callable[..., LadderSpace] = LadderSpace
    measure = staticmethod(measure)
    history = staticmethod(history)
    run = staticmethod(run)
    as_population = staticmethod(as_population)
    empty = EMPTY
