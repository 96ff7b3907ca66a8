"""A space whose genotypes are a head and blocks: every method but what its networks are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from search_spaces.block_genes.layout import BlockGenes
from search_spaces.block_genes.operators import crossover, mutate
from search_spaces.block_genes.problems import problems
from search_spaces.block_genes.sampling import latin_hypercube, sample
from search_spaces.layer_graph import LayerGraph
from search_spaces.matrices import Matrices
from search_spaces.space import Genotype, Population, checked_genotype

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

RangesT = TypeVar("RangesT", bound=BlockGenes)
SizesT = TypeVar("SizesT")

REMEMBERED: Final = 4
"""Populations whose sizes are kept: a search asks for parameters, costs and features of the same one in turn."""

LARGEST_REMEMBERED: Final = 4096
"""Candidates in one of them."""


@dataclass
class _Seen(Generic[SizesT]):
    """What is known of a population: sizes of canonical rows, and the layers once somebody asked for them."""

    rows: Population
    sizes: SizesT
    graph: LayerGraph | None = None


class BlockSpace(ABC, Generic[RangesT, SizesT]):
    """A space of such genotypes.

    Args:
        ranges: what every gene may be.
    """

    def __init__(self, ranges: RangesT) -> None:
        self._ranges = ranges
        self._seen: dict[tuple[Any, ...], _Seen[SizesT]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what a space is made of, without what it remembers."""
        return {**self.__dict__, "_seen": {}}

    @property
    def ranges(self) -> RangesT:
        """What every gene may be."""
        return self._ranges

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        """Draw `n` networks, every gene uniform in its range."""
        return self.canonical(sample(n, self._ranges, rng))

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Population:
        """Draw `n` networks that stratify every gene's range; what is no choice of a network's is dropped."""
        return self.canonical(latin_hypercube(n, self._ranges, rng))

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        """Return one child a row, different from its parent if it can be."""
        return mutate(population, self._ranges, self.canonical, rng)

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        """Return one child for each pair of rows, its blocks whole from either parent."""
        return self.canonical(crossover(first, second, self._ranges, rng))

    @abstractmethod
    def canonical(self, population: Population) -> Population:
        """Return the one genotype of each network, `(n, genes)` int64: equal networks, equal rows."""

    def encode(self, population: Population) -> pd.DataFrame:
        """Return genes and engineered features, `(n, features)` float32; equal networks, equal features."""
        seen = self._look_at(population)
        return self._encode(seen.rows, seen.sizes)

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the trainable parameters of each network, `(n,)` int64, for networks that can be built."""
        return self._parameters(self._look_at(population).sizes)

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the multiply-accumulates of one inference of each network, `(n,)` int64."""
        return self.matrices(population).macs

    def matrices(self, population: Population) -> Matrices:
        """Return the weight matrices of each network, `(n, slots)` each."""
        return self._matrices(self._look_at(population).sizes)

    def layer_graph(self, population: Population) -> LayerGraph:
        """Return the layers of each network in order, `(n, nodes)` each."""
        seen = self._look_at(population)
        if seen.graph is None:
            seen.graph = self._layer_graph(seen.sizes)
        return seen.graph

    def problems(self, population: Population) -> list[str]:
        """Return why each network cannot be built (a gene out of range), or an empty string."""
        return problems(population, self._ranges)

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        """Return the architecture, JSON-able.

        Raises:
            ValueError: when the genotype has a problem.
        """
        return self._describe(checked_genotype(self, genotype))

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        """Return the canonical genotype of an architecture as `describe` writes it.

        Raises:
            ValueError: for an architecture outside the space; the message names the rule and the value.
        """
        genotype = self._parse(architecture)
        return checked_genotype(self, genotype)

    def build(self, genotype: Genotype) -> nn.Module:
        """Return the network, for inputs `(batch, *input_shape)` float32.

        Its weights are the same at every call; `search_spaces.initialise` draws others.

        Raises:
            ValueError: when the genotype has a problem.
        """
        return self._build(checked_genotype(self, genotype))

    def _look_at(self, population: Population) -> _Seen[SizesT]:
        """Return what is known of a population, from memory where it was looked at lately."""
        if len(population) > LARGEST_REMEMBERED:
            return self._first_look(population)
        key = population.shape, population.dtype.char, population.tobytes()
        seen = self._seen.pop(key, None) or self._first_look(population)
        while len(self._seen) >= REMEMBERED:
            self._seen.pop(next(iter(self._seen)), None)
        self._seen[key] = seen  # the one looked at last is forgotten last
        return seen

    def _first_look(self, population: Population) -> _Seen[SizesT]:
        rows = self.canonical(population)
        return _Seen(rows, self._sizes(rows))

    @abstractmethod
    def _sizes(self, rows: Population) -> SizesT:
        """Return the sizes of every layer of canonical genotypes."""

    @abstractmethod
    def _encode(self, rows: Population, sizes: SizesT) -> pd.DataFrame: ...

    @abstractmethod
    def _parameters(self, sizes: SizesT) -> npt.NDArray[np.int64]: ...

    @abstractmethod
    def _matrices(self, sizes: SizesT) -> Matrices: ...

    @abstractmethod
    def _layer_graph(self, sizes: SizesT) -> LayerGraph: ...

    @abstractmethod
    def _describe(self, genotype: Genotype) -> dict[str, Any]: ...

    @abstractmethod
    def _parse(self, architecture: Mapping[str, Any]) -> Genotype: ...

    @abstractmethod
    def _build(self, genotype: Genotype) -> nn.Module: ...
