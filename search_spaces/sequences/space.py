"""Networks of recurrent and attention blocks, for sequences of frames or of symbols.

Choices are in `ranges`, blocks in `layout`, the network in `network`. Every population that a method returns is
canonical, and every method takes genotypes that are not.

References:
    S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9:1735, 1997.
    H. Sak et al., Long short-term memory recurrent neural network architectures for large scale acoustic modeling,
    Interspeech 2014 (projections).
    K. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014, arXiv 1406.1078 (GRU).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from search_spaces.block_genes.space import BlockSpace
from search_spaces.layer_graph import LayerGraph
from search_spaces.matrices import Matrices
from search_spaces.sequences.counting import count_parameters, weight_matrices
from search_spaces.sequences.description import describe, parse
from search_spaces.sequences.features import encode
from search_spaces.sequences.graph import layer_graph
from search_spaces.sequences.layout import Layout, layout
from search_spaces.sequences.ranges import SequenceRanges
from search_spaces.space import Genotype, Population

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


class SequenceSpace(BlockSpace[SequenceRanges, Layout]):
    """An entry, up to three blocks of LSTM, GRU or attention, a linear layer on their mean or on every step.

    Args:
        ranges: what every gene may be.

    Example:
        >>> space = SequenceSpace(SequenceRanges((1, 49, 10), 10, blocks=2))
        >>> space.sample(4, np.random.default_rng(0)).shape
        (4, 13)
        >>> space.describe((4, 1, 1, 0, 8, 1, 0, 0, 0, 0, 0, 0, 0))["blocks"]
        [{'type': 'lstm', 'hidden': 64, 'projection': 2, 'skip': False}]
    """

    def canonical(self, population: Population) -> Population:
        """Return the one genotype of each network, `(n, genes)` int64: equal networks, equal rows."""
        return self._ranges.canonical(population)

    def _sizes(self, rows: Population) -> Layout:
        return layout(rows, self._ranges)

    def _encode(self, rows: Population, sizes: Layout) -> pd.DataFrame:
        return encode(rows, sizes, self._ranges)

    def _parameters(self, sizes: Layout) -> npt.NDArray[np.int64]:
        return count_parameters(sizes, self._ranges)

    def _matrices(self, sizes: Layout) -> Matrices:
        return weight_matrices(sizes, self._ranges)

    def _layer_graph(self, sizes: Layout) -> LayerGraph:
        return layer_graph(sizes, self._ranges)

    def _describe(self, genotype: Genotype) -> dict[str, Any]:
        return describe(genotype, self._ranges)

    def _parse(self, architecture: Mapping[str, Any]) -> Genotype:
        return parse(architecture, self._ranges)

    def _build(self, genotype: Genotype) -> nn.Module:
        from search_spaces.sequences.network import build

        return build(genotype, self._ranges)
