"""One interface for every space, built in or a user's own.

A user's space has the four methods of `search_spaces.SearchSpace`. The strategies also want stratified sampling,
crossover, canonical genotypes, costs and readable architectures; `complete` supplies what a space does not offer
itself: random sampling instead of stratified, mutation instead of crossover, and costs counted on the built network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search_spaces import (
    ArchitectureSpace,
    Countable,
    Genotype,
    Population,
    Readable,
    Recombining,
    SearchSpace,
    genotypes,
)

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


class _CompletedSpace:
    """A user's space, its missing abilities supplied."""

    def __init__(self, space: SearchSpace, input_shape: tuple[int, ...]) -> None:
        self._space = space
        self._input_shape = input_shape
        self._costs: dict[Genotype, tuple[int, int, str]] = {}

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        return self._space.sample(n, rng)

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        return self._space.mutate(population, rng)

    def encode(self, population: Population) -> pd.DataFrame:
        return self._space.encode(population)

    def build(self, genotype: Genotype) -> nn.Module:
        return self._space.build(genotype)

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Population:
        if isinstance(self._space, Recombining):
            return self._space.latin_hypercube(n, rng)
        return self._space.sample(n, rng)

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        if isinstance(self._space, Recombining):
            return self._space.crossover(first, second, rng)
        pick = rng.random(len(first)) < 0.5
        return self._space.mutate(np.where(pick[:, None], first, second), rng)

    def canonical(self, population: Population) -> Population:
        if isinstance(self._space, Recombining):
            return self._space.canonical(population)
        return population.copy()

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        if isinstance(self._space, Countable):
            return self._space.parameters(population)
        return np.array([self._count(genotype)[0] for genotype in genotypes(population)], dtype=np.int64)

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        if isinstance(self._space, Countable):
            return self._space.macs(population)
        return np.array([self._count(genotype)[1] for genotype in genotypes(population)], dtype=np.int64)

    def problems(self, population: Population) -> list[str]:
        if isinstance(self._space, Countable):
            return self._space.problems(population)
        return [self._count(genotype)[2] for genotype in genotypes(population)]

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        if isinstance(self._space, Readable):
            return self._space.describe(genotype)
        return {"genes": list(genotype)}

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        if isinstance(self._space, Readable):
            return self._space.parse(architecture)
        genes = architecture.get("genes")
        if not isinstance(genes, list) or not all(isinstance(gene, int) for gene in genes):
            raise ValueError(f"`genes` must be a list of integers, got {genes!r}")
        return tuple(genes)

    def _count(self, genotype: Genotype) -> tuple[int, int, str]:
        if genotype not in self._costs:
            from search_spaces.cost import count_network

            try:
                parameters, macs = count_network(self._space.build(genotype), self._input_shape)
                self._costs[genotype] = (parameters, macs, "")
            except (ValueError, RuntimeError) as error:
                self._costs[genotype] = (0, 0, f"the network cannot be built: {error}")
            except Exception as error:  # a user's code may raise anything
                reason = f"the network cannot be built: {type(error).__name__}: {error}"
                self._costs[genotype] = (0, 0, reason)
        return self._costs[genotype]


def complete(space: SearchSpace, input_shape: tuple[int, ...]) -> ArchitectureSpace:
    """Return `space` with every ability of `ArchitectureSpace`, its own ones where it has them."""
    if isinstance(space, Recombining) and isinstance(space, Countable) and isinstance(space, Readable):
        return space
    return _CompletedSpace(space, input_shape)
