"""The cell space of NAS-Bench-201 and AnalogNAS-Bench: 15,625 cells.

The space is small enough to be worked out once: which cells are the same, which are connected, what they cost
and what a surrogate sees of them are tables with one row a cell, and populations look their answers up.

References:
    Dong and Yang, ICLR 2020, arXiv 2001.00326.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from search_spaces.layer_graph import LayerGraph
from search_spaces.matrices import Matrices
from search_spaces.nasbench201.cell import EDGES, N_CELLS, OPERATIONS, cell_index, cells, from_arch, to_arch
from search_spaces.nasbench201.features import feature_table
from search_spaces.nasbench201.graph import layer_graph
from search_spaces.nasbench201.isomorphism import isomorphism
from search_spaces.nasbench201.skeleton import Skeleton, costs, weight_matrices
from search_spaces.space import Genotype, Population, checked_genotype

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

ATTEMPTS: Final = 64


class NasBench201Space:
    """Cells of six edges with five operations, in a network of three stages.

    Args:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
        channels: of the first stage; 16 in the benchmark.
        cells_per_stage: 5 in the benchmark.
        merge_isomorphic: let `canonical` replace a cell by the first of those that compute the same; with
            `False` every connected cell stands for itself, as in tables that list each of them.

    Raises:
        ValueError: for a shape or number below 1.

    Example:
        >>> space = NasBench201Space()
        >>> space.describe((2, 2, 2, 2, 2, 2))["arch"].count("nor_conv_3x3")
        6
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (3, 32, 32),
        n_classes: int = 10,
        channels: int = 16,
        cells_per_stage: int = 5,
        merge_isomorphic: bool = True,
    ) -> None:
        self._skeleton = Skeleton(input_shape, n_classes, channels, cells_per_stage)
        self._merge = merge_isomorphic

    def sample(self, n: int, rng: np.random.Generator) -> Population:
        """Draw `n` connected cells uniformly; of cells that are the same, the representative."""
        connected = np.flatnonzero(isomorphism().connected)
        return self.canonical(cells(rng.choice(connected, size=n)))

    def latin_hypercube(self, n: int, rng: np.random.Generator) -> Population:
        """Draw `n` cells that have every operation on every edge equally often, except unconnected ones.

        An unconnected cell has edges redrawn until it is connected.
        """
        from scipy.stats import qmc

        if n == 0:
            return np.zeros((0, len(EDGES)), dtype=np.int64)
        unit = qmc.LatinHypercube(d=len(EDGES), rng=rng).random(n)
        rows = np.floor(unit * len(OPERATIONS)).astype(np.int64)
        while (loose := np.flatnonzero(~isomorphism().connected[cell_index(rows)])).size:
            rows[loose] = _redrawn(rows[loose], rng)
        return self.canonical(rows)

    def mutate(self, population: Population, rng: np.random.Generator) -> Population:
        """Return each cell with one edge's operation redrawn; as often as it takes to be connected and different."""
        children = self.canonical(population)
        parents = cell_index(children)
        pending = np.arange(len(children))
        for _ in range(ATTEMPTS):
            if not len(pending):
                break
            drawn = self.canonical(_redrawn(population[pending], rng))
            index = cell_index(drawn)
            good = isomorphism().connected[index] & (index != parents[pending])
            children[pending[good]] = drawn[good]
            pending = pending[~good]
        return children

    def crossover(self, first: Population, second: Population, rng: np.random.Generator) -> Population:
        """Return each pair's child, every edge from either parent; the first parent where that is unconnected.

        Raises:
            ValueError: when the two populations have different shapes.
        """
        if first.shape != second.shape:
            raise ValueError(f"the parents must come in pairs, got shapes {first.shape} and {second.shape}")
        child = np.where(rng.random(first.shape) < 0.5, first, second)
        loose = ~isomorphism().connected[cell_index(child)]
        child[loose] = first[loose]
        return self.canonical(child)

    def canonical(self, population: Population) -> Population:
        """Return the first cell, in lexicographic order, of those that compute the same."""
        if not self._merge:
            return np.array(population, dtype=np.int64)
        return cells(isomorphism().representative[cell_index(population)])

    def encode(self, population: Population) -> pd.DataFrame:
        """Return one-hot edges, path features and counts, `(n, features)` float32, of the representatives.

        Cells that compute the same have the same features even where they are kept apart: a surrogate need not
        learn what is known.
        """
        import pandas as pd

        names, table = self._features
        return pd.DataFrame(table[isomorphism().representative[cell_index(population)]], columns=names)

    def parameters(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the trainable parameters of each network, `(n,)` int64."""
        return self._costs[0][cell_index(population)]

    def macs(self, population: Population) -> npt.NDArray[np.int64]:
        """Return the multiply-accumulates of one inference of each network, `(n,)` int64."""
        return self._costs[1][cell_index(population)]

    def matrices(self, population: Population) -> Matrices:
        """Return the weight matrices of each network, `(n, slots)` each."""
        index = cell_index(population)
        return weight_matrices(cells(index), isomorphism().live[index], self._skeleton)

    def layer_graph(self, population: Population) -> LayerGraph:
        """Return the layers of each network in order, `(n, nodes)` each."""
        index = cell_index(population)
        return layer_graph(cells(index), isomorphism().live[index], self._skeleton)

    def problems(self, population: Population) -> list[str]:
        """Return why each cell cannot be built: an unknown operation, or no path from input to output.

        Raises:
            ValueError: when the rows are not `(n, 6)`.
        """
        known = (population >= 0) & (population < len(OPERATIONS))
        connected = isomorphism().connected[cell_index(np.where(known, population, 0))]
        reasons = np.where(connected, "", "no path of operations leads from the cell's input to its output")
        reasons = np.where(
            known.all(axis=1), reasons, f"an operation must lie within 0 to {len(OPERATIONS) - 1}"
        )
        return [str(reason) for reason in reasons.tolist()]

    def size(self) -> int:
        """Return the exact number of different networks that can be built."""
        classes = isomorphism()
        index = classes.representative if self._merge else np.arange(N_CELLS)
        return len(np.unique(index[classes.connected]))

    def describe(self, genotype: Genotype) -> dict[str, Any]:
        """Return the cell in the notation of NAS-Bench-201 and its six operation codes."""
        own = checked_genotype(self, genotype)
        return {"arch": to_arch(own), "codes": list(own)}

    def parse(self, architecture: Mapping[str, Any]) -> Genotype:
        """Return the genotype of `{"arch": "|...|"}` or `{"codes": [...]}`; of both where they agree.

        Raises:
            ValueError: for anything else; the message names the rule and the value.
        """
        unknown = [key for key in architecture if key not in ("arch", "codes")]
        if unknown or not architecture:
            raise ValueError(f"a cell must have the key `arch` or `codes`, got {dict(architecture)!r}")
        readings = []
        if "arch" in architecture:
            readings.append(from_arch(str(architecture["arch"])))
        if "codes" in architecture:
            codes = architecture["codes"]
            if not isinstance(codes, list | tuple) or [type(code) for code in codes] != [int] * len(EDGES):
                raise ValueError(f"`codes` must be {len(EDGES)} integers, got {codes!r}")
            readings.append(tuple(codes))
        if readings[0] != readings[-1]:
            raise ValueError(f"`arch` and `codes` must describe the same cell, got {dict(architecture)!r}")
        return checked_genotype(self, readings[0])

    def build(self, genotype: Genotype) -> nn.Module:
        """Return the network, `(batch, *input_shape)` float32 to `(batch, classes)` logits, the same at every call.

        Raises:
            ValueError: when the genotype has a problem.
        """
        from search_spaces.nasbench201.network import build

        return build(checked_genotype(self, genotype), self._skeleton)

    @cached_property
    def _costs(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return costs(cells(np.arange(N_CELLS)), isomorphism().live, self._skeleton)

    @cached_property
    def _features(self) -> tuple[list[str], npt.NDArray[np.float32]]:
        return feature_table(cells(np.arange(N_CELLS)), isomorphism().live, *self._costs)


def _redrawn(rows: Population, rng: np.random.Generator) -> Population:
    """Return the rows with another operation on one edge each."""
    result = rows.copy()
    at = np.arange(len(rows)), rng.integers(0, len(EDGES), size=len(rows))
    shift = rng.integers(1, len(OPERATIONS), size=len(rows))
    result[at] = (result[at] + shift) % len(OPERATIONS)
    return result
