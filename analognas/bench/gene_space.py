"""A space of categorical genes: what a table of any categorical search space is searched in.

Each gene takes one of a few values that have no order. Features are one-hot: a column for each value of each gene.
There
are no networks: a table has all that is known of its candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, final

import numpy as np
import numpy.typing as npt

from analognas.bench.error import BenchError
from search_spaces import Genotype, LayerGraph, Matrices, Population

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


@final
@dataclass(frozen=True)
class GeneSpace:
    """Rows of codes, each the place of a value among the values of its gene.

    Attributes:
        names: of the genes.
        values: the values of each gene, two or more of at least one.
    """

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """`(genes,)` how many values each gene has."""
        return np.array([len(values) for values in self.values], dtype=np.int64)

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        """Draw every gene at random."""
        return rng.integers(self.sizes, size=(n, len(self.names)), dtype=np.int64)

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        """Change one gene of each row to another of its values."""
        free = np.flatnonzero(self.sizes > 1)
        gene = free[rng.integers(len(free), size=len(population))]
        rows = np.arange(len(population))
        child = population.copy()
        step = rng.integers(1, self.sizes[gene])
        child[rows, gene] = (child[rows, gene] + step) % self.sizes[gene]
        return child

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        """Take each gene from either parent."""
        return np.where(rng.random(first.shape) < 0.5, first, second)

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Population:
        """Draw rows in which every gene takes each of its values equally often, to within one."""
        places = rng.permuted(np.tile(np.arange(n), (len(self.names), 1)), axis=1).T
        return np.asarray(places * self.sizes // max(n, 1), dtype=np.int64)

    def canonical(self, population: Population) -> Population:
        """Return a copy: equal candidates are equal rows."""
        return population.copy()

    def encode(self, population: Population) -> pd.DataFrame:
        """Return the one-hot features."""
        import pandas as pd

        columns = {
            f"{name}={value}": population[:, gene] == code
            for gene, (name, values) in enumerate(zip(self.names, self.values, strict=True))
            for code, value in enumerate(values)
        }
        return pd.DataFrame(columns, index=range(len(population)), dtype=np.float32)

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        """Return zeros: only a column of a table knows."""
        return np.zeros(len(population), dtype=np.int64)

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        """Return zeros: only a column of a table knows."""
        return np.zeros(len(population), dtype=np.int64)

    def problems(self, population: Population) -> list[str]:
        """Return no problem for any candidate."""
        return [""] * len(population)

    def matrices(self, population: Population) -> Matrices:
        """Raise an error: there are no networks."""
        self._no_network()

    def layer_graph(self, population: Population) -> LayerGraph:
        """Raise an error: there are no networks."""
        self._no_network()

    def build(self, genotype: Genotype) -> nn.Module:
        """Raise an error: there are no networks."""
        self._no_network()

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        """Return the value of each gene."""
        return {
            name: values[code] for name, values, code in zip(self.names, self.values, genotype, strict=True)
        }

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        """Return the codes of the values.

        Raises:
            BenchError: for a missing gene or a value that it does not have.
        """
        genes = zip(self.names, self.values, strict=True)
        return tuple(_code(name, values, architecture.get(name)) for name, values in genes)

    def _no_network(self) -> NoReturn:
        raise BenchError("a table of genes has no networks: only its columns are known")


def _code(name: str, values: Sequence[str], value: object) -> int:
    if value not in values:
        raise BenchError(f"`{name}` must be one of {', '.join(values)}, got {value!r:.40}")
    return values.index(str(value))
