"""The ResNet-like macro-architecture space of AnalogNAS.

Genes, their ranges and order are in `ranges`, the network in `network`, map sizes in `geometry`, the mutation
operators in `mutation`. Every population that a method returns is canonical, and every method takes genotypes
that are not.

References:
    Benmeziane et al., "AnalogNAS: A Neural Network Design Framework for Accurate Inference with Analog
    In-Memory Computing", 2023, arXiv 2305.10459.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search_spaces.layer_graph import LayerGraph
from search_spaces.matrices import Matrices
from search_spaces.resnet.canonical import canonical
from search_spaces.resnet.counting import Layout, count_macs, count_parameters, layout, weight_matrices
from search_spaces.resnet.crossover import crossover
from search_spaces.resnet.description import describe, parse
from search_spaces.resnet.features import encode
from search_spaces.resnet.geometry import geometry_table
from search_spaces.resnet.graph import layer_graph
from search_spaces.resnet.mutation import PUBLISHED_RATES, MutationRates, mutate
from search_spaces.resnet.problems import problems
from search_spaces.resnet.ranges import Range, Ranges
from search_spaces.resnet.sampling import latin_hypercube, sample
from search_spaces.resnet.size import size
from search_spaces.space import Genotype, Population, checked_genotype

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


class ResNetSpace:
    """Conv(OC0, KS0), M main blocks of R residual blocks with B branches each, average pool, linear layer.

    Args:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
        oc0: range of the first convolution's channels; every range is (smallest, largest), both included.
        ks0: range of its kernel size.
        m: range of the number of main blocks.
        r: range of the residual blocks of a main block.
        b: range of the parallel branches of a residual block.
        ct: allowed convolution types, some of `ABCD`.
        wf: range of the widening factor of a main block.
        skip: (0, 1) lets skip connections come and go, (1, 1) keeps them, (0, 0) leaves them out.
        max_width: most channels of a layer; 1024 keep a 3 x 3 convolution within 18 tiles of 512 rows.
        bottleneck: channels of the 3 x 3 convolution of types A and C: `full`, as many as the main block puts
            out, the reading that fits the published T100; `input`, as many as came into it, which fits T300,
            T500 and T1M; `quarter`, as in ResNet-50.
        rates: how often each class of mutations strikes.

    Raises:
        ValueError: for ranges that are reversed, empty or hold no network that can be built.

    Example:
        >>> space = ResNetSpace(input_shape=(3, 32, 32), n_classes=10, m=(1, 1), r=(1, 2), b=(1, 1))
        >>> population = space.sample(4, np.random.default_rng(0))
        >>> population.shape
        (4, 8)
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 8, 8),
        n_classes: int = 10,
        oc0: Range = (8, 128),
        ks0: Range = (3, 7),
        m: Range = (1, 5),
        r: Range = (1, 16),
        b: Range = (1, 12),
        ct: str = "ABCD",
        wf: Range = (1, 4),
        skip: Range = (0, 1),
        max_width: int = 1024,
        bottleneck: str = "full",
        rates: MutationRates = PUBLISHED_RATES,
    ) -> None:
        self._ranges = Ranges(
            input_shape=input_shape,
            n_classes=n_classes,
            oc0=oc0,
            ks0=ks0,
            m=m,
            r=r,
            b=b,
            ct=ct,
            wf=wf,
            skip=skip,
            max_width=max_width,
            bottleneck=bottleneck,
        )
        self._rates = rates
        self._geometry = geometry_table(self._ranges)

    @property
    def ranges(self) -> Ranges:
        """What every gene may be."""
        return self._ranges

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        """Draw `n` networks, every gene uniform in its range except where that would be too wide."""
        return self.canonical(sample(n, self._ranges, rng))

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Population:
        """Draw `n` networks that stratify every gene's range.

        A widening factor is lowered where the network would be wider than `max_width`, and main blocks that
        are one are merged; the other genes keep their strata.
        """
        return self.canonical(latin_hypercube(n, self._ranges, rng))

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        """Return one child a row by AnalogNAS's operators, different from its parent if it can be."""
        return mutate(population, self._ranges, self._geometry, self._rates, rng)

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        """Return one child for each pair of rows, its main blocks whole from either parent."""
        return self.canonical(crossover(first, second, self._ranges, rng))

    def canonical(self, population: Population) -> Population:
        """Return the one genotype of each network, `(n, genes)` int64: equal networks, equal rows."""
        return canonical(population, self._ranges, self._geometry)

    def encode(self, population: Population) -> pd.DataFrame:
        """Return genes and engineered features, `(n, features)` float32; equal networks, equal features."""
        rows = self.canonical(population)
        return encode(rows, layout(rows, self._ranges, self._geometry), self._ranges)

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
        """Return why each network cannot be built (a gene out of range, too wide), or an empty string."""
        return problems(population, self._ranges)

    def size(self) -> int:
        """Return the exact number of different networks that can be built."""
        return size(self._ranges)

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        """Return the architecture in the symbols of Table I.

        Example:
            >>> space = ResNetSpace(m=(1, 1))
            >>> space.describe((16, 3, 1, 2, 1, 1, 2, 1))
            {'OC0': 16, 'KS0': 3, 'M': 1, 'blocks': [{'R': 2, 'B': 1, 'CT': 'B', 'WF': 2, 'skip': True}]}
        """
        return describe(checked_genotype(self, genotype), self._ranges)

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        """Return the canonical genotype of an architecture as `describe` writes it.

        Raises:
            ValueError: for an architecture outside the space; the message names the rule and the value.
        """
        genotype = parse(architecture, self._ranges)
        return checked_genotype(self, genotype)

    def build(self, genotype: Genotype) -> nn.Module:
        """Return the network, `(batch, *input_shape)` float32 to `(batch, classes)` logits.

        Its weights are the same at every call; `search_spaces.initialise` draws others.

        Raises:
            ValueError: when the genotype has a problem.
        """
        from search_spaces.resnet.network import build

        return build(checked_genotype(self, genotype), self._ranges)

    def _layout(self, population: Population) -> Layout:
        return layout(population, self._ranges, self._geometry)
