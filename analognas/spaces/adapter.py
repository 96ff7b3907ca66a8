"""One interface for every space, built in or a user's own.

A user's space has the four methods of `search_spaces.SearchSpace`. The strategies also want stratified sampling,
crossover, canonical genotypes, costs, weight matrices, the order of layers and readable architectures. `complete`
supplies what a space does not offer itself: random sampling instead of stratified, mutation instead of crossover, and
costs, matrices and order of the built network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analognas.strategies.costs import built_nodes, graph_of
from hwsim.chip_cost.workload import Node
from search_spaces import (
    ArchitectureSpace,
    Countable,
    Genotype,
    LayerGraph,
    Mappable,
    Matrices,
    NetworkCost,
    Ordered,
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
        self._counts: dict[Genotype, tuple[NetworkCost, str]] = {}
        self._nodes: dict[Genotype, tuple[Node, ...]] = {}

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
        return np.array(
            [self._count(genotype)[0].parameters for genotype in genotypes(population)], dtype=np.int64
        )

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        if isinstance(self._space, Countable):
            return self._space.macs(population)
        return np.array([self._count(genotype)[0].macs for genotype in genotypes(population)], dtype=np.int64)

    def matrices(self, population: Population) -> Matrices:
        if isinstance(self._space, Mappable):
            return self._space.matrices(population)
        return Matrices.of([self._count(genotype)[0].matrices for genotype in genotypes(population)])

    def layer_graph(self, population: Population) -> LayerGraph:
        if isinstance(self._space, Ordered):
            return self._space.layer_graph(population)
        return graph_of([self._nodes_of(genotype) for genotype in genotypes(population)])

    def problems(self, population: Population) -> list[str]:
        if isinstance(self._space, Countable):
            return self._space.problems(population)
        return [self._count(genotype)[1] for genotype in genotypes(population)]

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

    def _nodes_of(self, genotype: Genotype) -> tuple[Node, ...]:
        """Return the layers of the built network; none of one that cannot be built."""
        if genotype not in self._nodes:
            cannot = self._count(genotype)[1]
            self._nodes[genotype] = (
                () if cannot else built_nodes(self._space.build(genotype), self._input_shape)
            )
        return self._nodes[genotype]

    def _count(self, genotype: Genotype) -> tuple[NetworkCost, str]:
        """Return what the built network costs, or nothing and why it cannot be built."""
        if genotype not in self._counts:
            from search_spaces.cost import network_cost

            cost, reason = NetworkCost(0, 0, ()), ""
            try:
                cost = network_cost(self._space.build(genotype), self._input_shape)
            except (ValueError, RuntimeError) as error:
                reason = f"the network cannot be built: {error}"
            except Exception as error:  # a user's code may raise anything
                reason = f"the network cannot be built: {type(error).__name__}: {error}"
            self._counts[genotype] = cost, reason
        return self._counts[genotype]


def complete(space: SearchSpace, input_shape: tuple[int, ...]) -> ArchitectureSpace:
    """Return `space` with every ability of `ArchitectureSpace`, its own ones where it has them."""
    if (
        isinstance(space, Recombining)
        and isinstance(space, Countable)
        and isinstance(space, Mappable)
        and isinstance(space, Ordered)
        and isinstance(space, Readable)
    ):
        return space
    return _CompletedSpace(space, input_shape)
