"""The layers of whole populations as graphs: which layer waits for how many outputs of which others.

`Matrices` says what a crossbar has to hold; latency also needs the order. A node is a layer, or a digital step between
layers (an addition, a pooling); its sources come before it, and of each it needs a number of outputs, in the order of
the map, before its first own one. `hwsim.cost` reads the same numbers off a built network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Numbers: TypeAlias = "int | Integers | npt.NDArray[np.bool_]"
"""One number for all networks, or `(networks,)`; a truth value is 0 or 1."""

INPUT: Final = -1
"""The source of a node that reads the network's input."""


@final
@dataclass(frozen=True, eq=False)
class LayerGraph:
    """The nodes of every network of a population, `(networks, nodes)` int64 unless said otherwise.

    Attributes:
        rows: of the whole (block-diagonal) matrix; 0 for a digital step.
        columns: of the whole matrix, the channels of the output.
        groups: diagonal blocks, 1 or more.
        positions: of the output map.
        operations: digital operations of one inference.
        copies: equal nodes side by side; 0 where a network has no such node.
        sources: places of the sources, `(networks, nodes, most sources)`; `INPUT` for none.
        needs: outputs of each source before the first of a node's own, of the shape of `sources`.
    """

    rows: Integers
    columns: Integers
    groups: Integers
    positions: Integers
    operations: Integers
    copies: Integers
    sources: Integers
    needs: Integers


@final
class GraphBuilder:
    """Adds one node after the other to all networks of a population.

    Args:
        n: networks.

    Example:
        >>> graph = GraphBuilder(2)
        >>> first = graph.layer(27, 8, 64)
        >>> _ = graph.layer(72, np.array([8, 16]), 64, copies=np.array([1, 0]), sources=[(first, 10)])
        >>> graph.built().rows.tolist()
        [[27, 72], [27, 72]]
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._nodes: list[tuple[Integers, ...]] = []
        self._sources: list[list[tuple[Integers, Integers]]] = []

    def layer(
        self,
        rows: Numbers,
        columns: Numbers,
        positions: Numbers,
        *,
        groups: Numbers = 1,
        copies: Numbers = 1,
        sources: Sequence[tuple[Numbers, Numbers]] = (),
    ) -> int:
        """Add a layer, and return its place.

        Args:
            rows: of its whole matrix.
            columns: of its whole matrix.
            positions: of its output map.
            groups: diagonal blocks of its matrix; 1 for a dense layer.
            copies: equal ones side by side; 0 for networks without it.
            sources: place and number of outputs needed; `INPUT` for networks without this source.
        """
        return self._add((rows, columns, groups, positions, 0, copies), sources)

    def step(
        self,
        columns: Numbers,
        positions: Numbers,
        operations: Numbers,
        *,
        copies: Numbers = 1,
        sources: Sequence[tuple[Numbers, Numbers]] = (),
    ) -> int:
        """Add a digital step of a number of operations, and return its place."""
        return self._add((0, columns, 1, positions, operations, copies), sources)

    def built(self) -> LayerGraph:
        """Return the graphs."""
        columns = zip(*self._nodes, strict=True)
        rows, cols, groups, positions, operations, copies = (np.stack(values, axis=1) for values in columns)
        most = max(1, *(len(sources) for sources in self._sources))
        places = np.full((*rows.shape, most), INPUT, dtype=np.int64)
        needs = np.ones_like(places)
        for node, sources in enumerate(self._sources):
            for slot, (place, need) in enumerate(sources):
                places[:, node, slot], needs[:, node, slot] = place, need
        return LayerGraph(rows, cols, groups, positions, operations, copies, places, needs)

    def _add(self, numbers: Sequence[Numbers], sources: Sequence[tuple[Numbers, Numbers]]) -> int:
        self._nodes.append(tuple(self._each(value) for value in numbers))
        self._sources.append([(self._each(place), self._each(need)) for place, need in sources])
        return len(self._nodes) - 1

    def _each(self, value: Numbers) -> Integers:
        return np.broadcast_to(np.asarray(value, dtype=np.int64), (self._n,))


def window_need(kernel: int, padding: int, height: Numbers, width: Numbers) -> Integers:
    """Return how many places of a map, row by row, the first place of a square window's result needs.

    >>> window_need(3, 1, 8, 6).tolist(), window_need(1, 0, 8, 6).tolist()
    (8, 1)
    """
    reach = max(0, kernel - 1 - padding)
    down, across = (np.minimum(reach, np.asarray(side) - 1) for side in (height, width))
    return np.asarray(down * width + across + 1, dtype=np.int64)
