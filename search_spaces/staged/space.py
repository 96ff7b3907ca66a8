"""Residual networks of free stages: a wider space than Table I of AnalogNAS.

Each stage has a width, depth, block type, kernel and stride of its own, so that a network may halve its maps early or
late, widen in steps of four channels, and group or expand its inner convolutions. Choices are in `ranges`, blocks in
`layout`, the network in `network`. Every population that a method returns is canonical, and every method takes
genotypes that are not.

References:
    I. Radosavovic et al., Designing network design spaces, CVPR 2020, arXiv 2003.13678 (stages of free width, depth
    and groups).
    M. Sandler et al., MobileNetV2: Inverted residuals and linear bottlenecks, CVPR 2018, arXiv 1801.04381 (type E).
    H. Benmeziane et al., AnalogNAS, 2023, arXiv 2305.10459 (types B and D).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search_spaces.block_genes.operators import crossover, mutate
from search_spaces.block_genes.problems import problems
from search_spaces.block_genes.sampling import latin_hypercube, sample
from search_spaces.layer_graph import LayerGraph
from search_spaces.matrices import Matrices
from search_spaces.space import Genotype, Population
from search_spaces.staged.canonical import canonical
from search_spaces.staged.counting import count_macs, count_parameters, weight_matrices
from search_spaces.staged.description import describe, parse
from search_spaces.staged.features import encode
from search_spaces.staged.graph import layer_graph
from search_spaces.staged.layout import Layout, layout
from search_spaces.staged.ranges import StagedRanges

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


class StagedSpace:
    """Conv, up to four stages of residual blocks, average pool, linear layer.

    Args:
        ranges: what every gene may be.

    Example:
        >>> space = StagedSpace(StagedRanges((3, 32, 32), 10, stages=2))
        >>> population = space.sample(4, np.random.default_rng(0))
        >>> population.shape
        (4, 18)
    """

    def __init__(self, ranges: StagedRanges) -> None:
        self._ranges = ranges

    @property
    def ranges(self) -> StagedRanges:
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
        return mutate(population, self._ranges, rng)

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        """Return one child for each pair of rows, its stages whole from either parent."""
        return self.canonical(crossover(first, second, self._ranges, rng))

    def canonical(self, population: Population) -> Population:
        """Return the one genotype of each network, `(n, genes)` int64: equal networks, equal rows."""
        return canonical(population, self._ranges)

    def encode(self, population: Population) -> pd.DataFrame:
        """Return genes and engineered features, `(n, features)` float32; equal networks, equal features."""
        rows = self.canonical(population)
        return encode(rows, layout(rows, self._ranges), self._ranges)

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the trainable parameters of each network, `(n,)` int64, for networks that can be built."""
        return count_parameters(self._layout(population), self._ranges)

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the multiply-accumulates of one inference of each network, `(n,)` int64."""
        return count_macs(self._layout(population), self._ranges)

    def matrices(self, population: Population) -> Matrices:
        """Return the weight matrices of each network, `(n, slots)` each."""
        return weight_matrices(self._layout(population), self._ranges)

    def layer_graph(self, population: Population) -> LayerGraph:
        """Return the layers of each network in order, `(n, nodes)` each."""
        return layer_graph(self._layout(population), self._ranges)

    def problems(self, population: Population) -> list[str]:
        """Return why each network cannot be built (a gene out of range), or an empty string."""
        return problems(population, self._ranges)

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        """Return the architecture.

        Example:
            >>> space = StagedSpace(StagedRanges((3, 32, 32), 10, stages=1))
            >>> found = space.describe((4, 0, 0, 1, 2, 8, 0, 0, 1, 0, 0))
            >>> found["stem"]
            {'width': 16, 'kernel': [3, 3], 'stride': [1, 1]}
            >>> found["stages"]
            [{'depth': 2, 'width': 32, 'type': 'B', 'kernel': [3, 3], 'stride': [2, 2]}]
        """
        self._check(genotype)
        return describe(self._canonical_genotype(genotype), self._ranges)

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        """Return the canonical genotype of an architecture as `describe` writes it.

        Raises:
            ValueError: for an architecture outside the space; the message names the rule and the value.
        """
        genotype = parse(architecture, self._ranges)
        self._check(genotype)
        return self._canonical_genotype(genotype)

    def build(self, genotype: Genotype) -> nn.Module:
        """Return the network, `(batch, *input_shape)` float32 to `(batch, classes)` logits.

        Its weights are the same at every call; `search_spaces.initialise` draws others.

        Raises:
            ValueError: when the genotype has a problem.
        """
        from search_spaces.staged.network import build

        self._check(genotype)
        return build(self._canonical_genotype(genotype), self._ranges)

    def _layout(self, population: Population) -> Layout:
        return layout(self.canonical(population), self._ranges)

    def _check(self, genotype: Genotype) -> None:
        reason = self.problems(np.array([genotype], dtype=np.int64))[0]
        if reason:
            raise ValueError(f"the genotype {genotype} describes no network of this space: {reason}")

    def _canonical_genotype(self, genotype: Genotype) -> Genotype:
        return tuple(self.canonical(np.array([genotype], dtype=np.int64))[0].tolist())
