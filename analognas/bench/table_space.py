"""A search space cut down to the rows of a table.

A table that lists only part of a space is handled in one way, the same for every strategy: the table is the
space. A candidate outside is inadmissible, like one above a parameter limit, and costs no evaluation.
Sampling draws rows. Mutation and crossover walk on by further mutations until they meet a row, so that an
operator that makes small steps still makes the smallest steps that the table has. In a table so sparse that walks
seldom meet a row, the row nearest to the mutant takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from search_spaces import Genotype, LayerGraph, Matrices, Population

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from search_spaces import ArchitectureSpace

MAX_STEPS: Final = 64
"""Mutations in a walk before it ends at a random row."""

SPARSE_BELOW: Final = 0.5
"""Share of walks that meet a row, below which a table is sparse; our records have 0.05 to 0.2, AnalogNAS-Bench 0.99."""

WALKS: Final = 200
"""Walks that tell whether a table is sparse."""


class TableSpace:
    """The candidates of a table, as a search space.

    Args:
        space: the space that the table was measured in.
        population: `(n, genes)` canonical, different genotypes that have a row.
        costs: `(n,)` columns of the table by name; `parameters` and `macs` stand for those of the space, and the
            logarithms of all of them are features.
    """

    def __init__(
        self,
        space: ArchitectureSpace,
        population: Population,
        costs: Mapping[str, npt.NDArray[np.float64]] | None = None,
    ) -> None:
        self._space = space
        self._rows = population
        self._costs = dict(costs or {})
        # Any fixed odd numbers make a hash of a row; equality is checked on the row itself.
        weights = np.random.default_rng(0).integers(1, 2**62, size=population.shape[1], dtype=np.int64) | 1
        self._weights = weights
        keys = self._keys(population)
        self._order = np.argsort(keys)
        self._sorted = keys[self._order]

    def rows(self, population: Population) -> npt.NDArray[np.intp]:
        """Return the row of each candidate, -1 where it has none, `(n,)`."""
        if not len(population):
            return np.empty(0, dtype=np.intp)
        place = np.minimum(np.searchsorted(self._sorted, self._keys(population)), len(self._sorted) - 1)
        row = self._order[place]
        return np.where((self._rows[row] == population).all(axis=1), row, -1)

    def with_rows(self, population: Population, costs: Mapping[str, npt.NDArray[np.float64]]) -> TableSpace:
        """Return the space of other rows and their costs."""
        return TableSpace(self._space, population, costs)

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        """Draw `n` rows at random."""
        return self._rows[rng.integers(len(self._rows), size=n)]

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        """Return one mutant a row, each of them in the table."""
        return self._moved(self._space.mutate(population, rng), [population], rng)

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        """Return one child a pair, each of them in the table."""
        return self._moved(self._space.crossover(first, second, rng), [first, second], rng)

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Population:
        """Draw a Latin hypercube of the whole space; rows outside the table have a problem."""
        return self._space.latin_hypercube(n, rng)

    def canonical(self, population: Population) -> Population:
        """Return the canonical genotypes of the whole space."""
        return self._space.canonical(population)

    def encode(self, population: Population) -> pd.DataFrame:
        """Return the features of the whole space, and the logarithms of the costs in the table."""
        features = self._space.encode(population)
        logarithms = {
            f"log_{name}": np.log(np.maximum(self._cost(name, population), 1e-12)).astype(np.float32)
            for name in self._costs
        }
        return features.assign(**logarithms)

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the trainable parameters of each network."""
        return self._whole("parameters", population, self._space.parameters)

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the multiply-accumulates of each network."""
        return self._whole("macs", population, self._space.macs)

    def matrices(self, population: Population) -> Matrices:
        """Return the weight matrices of each network."""
        return self._space.matrices(population)

    def layer_graph(self, population: Population) -> LayerGraph:
        """Return the layers of each network in order."""
        return self._space.layer_graph(population)

    def problems(self, population: Population) -> list[str]:
        """Return `not in the table` where a candidate has no row."""
        return ["" if row >= 0 else "not in the table" for row in self.rows(population).tolist()]

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        """Return the architecture."""
        return self._space.describe(genotype)

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        """Return the genotype of an architecture."""
        return self._space.parse(architecture)

    def build(self, genotype: Genotype) -> nn.Module:
        """Return the network."""
        return self._space.build(genotype)

    def _whole(
        self, name: str, population: Population, other: Callable[[Population], npt.NDArray[np.int64]]
    ) -> npt.NDArray[np.int64]:
        return self._cost(name, population).astype(np.int64) if name in self._costs else other(population)

    def _cost(self, name: str, population: Population) -> npt.NDArray[np.float64]:
        """Return a cost of each candidate; those outside the table, which no search admits, have the median."""
        column, rows = self._costs[name], self.rows(population)
        return np.where(rows >= 0, column[rows], np.median(column))

    def _moved(
        self, population: Population, parents: Sequence[Population], rng: np.random.Generator
    ) -> Population:
        """Return a row of the table for each candidate, in a sparse table another one than its parents."""
        candidates = self._space.canonical(population)
        if self._is_sparse:
            return self._nearest(candidates, parents)
        outside = self._walk(candidates, rng)
        candidates[outside] = self.sample(len(outside), rng)
        return candidates

    def _walk(self, walkers: Population, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        """Move candidates until each meets a row, and return which have met none."""
        outside = np.flatnonzero(self.rows(walkers) < 0)
        for _ in range(MAX_STEPS):
            if not len(outside):
                break
            moved = self._space.canonical(self._space.mutate(walkers[outside], rng))
            walkers[outside] = moved
            outside = outside[self.rows(moved) < 0]
        return outside

    @cached_property
    def _is_sparse(self) -> bool:
        rng = np.random.default_rng(0)
        walkers = self._space.canonical(self._space.mutate(self.sample(WALKS, rng), rng))
        return len(self._walk(walkers, rng)) > (1 - SPARSE_BELOW) * WALKS

    def _nearest(self, candidates: Population, parents: Sequence[Population]) -> Population:
        """Return the nearest rows: distances are sums over genes, each in units of its range in the table."""
        scale = np.maximum(np.ptp(self._rows, axis=0), 1)
        known = self.rows(candidates)
        places = [self.rows(self._space.canonical(parent)) for parent in parents]
        found = candidates.copy()
        for index in np.flatnonzero(known < 0):
            distance = (np.abs(self._rows - candidates[index]) / scale).sum(axis=1)
            own = [place[index] for place in places if place[index] >= 0]
            distance[own] = np.inf
            found[index] = self._rows[int(distance.argmin())]
        return found

    def _keys(self, population: Population) -> npt.NDArray[np.int64]:
        # The product wraps around on purpose: it is a hash.
        with np.errstate(over="ignore"):
            return np.asarray((population * self._weights).sum(axis=1))
