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

from search_spaces.block_genes.space import BlockSpace
from search_spaces.layer_graph import LayerGraph
from search_spaces.matrices import Matrices
from search_spaces.space import Genotype, Population
from search_spaces.staged.canonical import canonical
from search_spaces.staged.counting import count_parameters, weight_matrices
from search_spaces.staged.description import describe, parse
from search_spaces.staged.features import encode
from search_spaces.staged.graph import layer_graph
from search_spaces.staged.layout import Layout, layout
from search_spaces.staged.ranges import StagedRanges

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


class StagedSpace(BlockSpace[StagedRanges, Layout]):
    """Conv, up to four stages of residual blocks, average pool, linear layer.

    Args:
        ranges: what every gene may be.

    Example:
        >>> space = StagedSpace(StagedRanges((3, 32, 32), 10, stages=2))
        >>> population = space.sample(4, np.random.default_rng(0))
        >>> population.shape
        (4, 18)
        >>> space.describe((4, 0, 0, 1, 2, 8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0))["stages"]
        [{'depth': 2, 'width': 32, 'type': 'B', 'kernel': [3, 3], 'stride': [2, 2]}]
    """

    def canonical(self, population: Population) -> Population:
        """Return the one genotype of each network, `(n, genes)` int64: equal networks, equal rows."""
        return canonical(population, self._ranges)

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
        from search_spaces.staged.network import build

        return build(genotype, self._ranges)
