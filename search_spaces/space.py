"""What a search space is: populations of genotypes and the networks they describe.

A genotype is a row of integers (genes). A population is an array of genotypes, so that sampling, mutation and
encoding work on thousands of candidates at once. ``SearchSpace`` has the four methods that every space, a
user's own one included, must offer. The four protocols after it are abilities that a space may add; the
built-in spaces have all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from search_spaces.layer_graph import LayerGraph
from search_spaces.matrices import Matrices

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

Population: TypeAlias = npt.NDArray[np.int64]
"""`(n, genes)` int64: one genotype a row."""

Genotype: TypeAlias = tuple[int, ...]
"""One row of a population: hashable and JSON-able."""


@runtime_checkable
class SearchSpace(Protocol):
    """The four methods every space has."""

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        """Draw `n` valid genotypes at random, `(n, genes)` int64."""
        ...

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        """Return one mutated, valid child for each row, `(n, genes)` int64; the input is left alone."""
        ...

    def encode(self, population: Population) -> pd.DataFrame:
        """Return `(n, features)` float32 features with named columns, for a surrogate."""
        ...

    def build(self, genotype: Genotype) -> nn.Module:
        """Return the untrained network, from `(batch, *input_shape)` float32 to logits.

        These are `(batch, classes)`, or `(batch, classes, steps)` where every step has a class.
        """
        ...


@runtime_checkable
class Recombining(Protocol):
    """A space with stratified sampling, crossover and one canonical genotype for each network."""

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Population:
        """Draw `n` genotypes that stratify every gene's range (McKay et al. 1979)."""
        ...

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        """Return one child for each pair of rows."""
        ...

    def canonical(self, population: Population) -> Population:
        """Return the genotypes with inactive genes at one canonical value: equal networks, equal rows."""
        ...


@runtime_checkable
class Countable(Protocol):
    """A space that knows the cost of its networks without building them."""

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the trainable parameters of each network, `(n,)`; equal to the built network's."""
        ...

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the multiply-accumulates of one inference of each network, `(n,)`."""
        ...

    def problems(self, population: Population) -> list[str]:
        """Return why each network cannot be built, an empty string where it can."""
        ...


@runtime_checkable
class Mappable(Protocol):
    """A space that knows the weight matrices of its networks without building them."""

    def matrices(self, population: Population) -> Matrices:
        """Return the matrices of each network's convolutions and linear layers, `(n, slots)` each."""
        ...


@runtime_checkable
class Ordered(Protocol):
    """A space that knows in which order the layers of its networks run, without building them."""

    def layer_graph(self, population: Population) -> LayerGraph:
        """Return the layers of each network, and what each waits for, `(n, nodes)` each."""
        ...


@runtime_checkable
class Readable(Protocol):
    """A space whose genotypes read as architectures."""

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        """Return the architecture in the literature's symbols, JSON-able."""
        ...

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        """Return the genotype of an architecture as `describe` writes it.

        Raises:
            ValueError: for an architecture outside the space; the message names the rule and the value.
        """
        ...


class ArchitectureSpace(SearchSpace, Recombining, Countable, Mappable, Ordered, Readable, Protocol):
    """A space with every ability."""


def genotypes(population: Population) -> list[Genotype]:
    """Return the rows of a population as hashable tuples of Python integers."""
    return [tuple(row) for row in population.tolist()]


def checked_genotype(space: ArchitectureSpace, genotype: Genotype) -> Genotype:
    """Return the canonical genotype of a network.

    Raises:
        ValueError: when it describes no network of the space.
    """
    row = np.array([genotype], dtype=np.int64)
    reason = space.problems(row)[0]
    if reason:
        raise ValueError(f"the genotype {genotype} describes no network of this space: {reason}")
    return genotypes(space.canonical(row))[0]
