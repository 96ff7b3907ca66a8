"""What networks ask of a chip: matrices, how often each is read, and which waits for which.

A network is a list of nodes in an order in which they can run. A node is an analog layer, which multiplies a matrix at
`positions` places of its output map, or a digital step between layers (an addition, a pooling) without a matrix. Nodes
after which a node comes are its sources; of each source it needs a number of outputs, in the order of the map, before
it can give its first one. Many networks are one table, so that a population is costed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

INPUT: Final = -1
"""The source of a node that reads the network's input, which is there from the start."""


class Node(NamedTuple):
    """A layer, or a digital step between layers.

    Attributes:
        rows: of the whole (block-diagonal) matrix; 0 for a digital step.
        columns: of the whole matrix, the channels of the output.
        groups: diagonal blocks; 1 for a dense layer.
        positions: of the output map: vectors that one inference multiplies the matrix by.
        operations: digital operations on activations of one inference.
        copies: equal nodes side by side, with the same sources.
        sources: places of the nodes that it comes after, before its own; empty for the network's input.
        needs: outputs of each source before the first of its own.
    """

    rows: int
    columns: int
    groups: int
    positions: int
    operations: int = 0
    copies: int = 1
    sources: tuple[int, ...] = ()
    needs: tuple[int, ...] = ()


@final
@dataclass(frozen=True, eq=False)
class Workload:
    """Nodes of a population of networks; every array is int64, `(networks, nodes)` unless said otherwise.

    Attributes:
        rows: of the whole matrix; 0 for a digital step or a place without a node.
        columns: of the whole matrix.
        groups: diagonal blocks, 1 or more.
        positions: of the output map.
        operations: digital operations of one inference.
        copies: equal nodes side by side; 0 where there is no node.
        sources: places of the sources, `(networks, nodes, most sources)`; `INPUT` for none.
        needs: outputs of each source before the first of a node's own, of the shape of `sources`.

    Example:
        >>> Workload.of([[Node(27, 8, 1, 64), Node(72, 8, 1, 64, sources=(0,), needs=(19,))]]).rows.tolist()
        [[27, 72]]
    """

    rows: Integers
    columns: Integers
    groups: Integers
    positions: Integers
    operations: Integers
    copies: Integers
    sources: Integers
    needs: Integers

    @classmethod
    def of(cls, networks: Sequence[Sequence[Node]]) -> Workload:
        """Return the table of several networks, each a list of nodes in the order in which they run."""
        n_nodes = max((len(nodes) for nodes in networks), default=0)
        n_sources = max((len(node.sources) for nodes in networks for node in nodes), default=0)
        shape = (len(networks), n_nodes)
        numbers = np.zeros((6, *shape), dtype=np.int64)
        numbers[[2, 3]] = 1
        sources = np.full((*shape, max(1, n_sources)), INPUT, dtype=np.int64)
        needs = np.ones_like(sources)
        for row, nodes in enumerate(networks):
            for place, node in enumerate(nodes):
                numbers[:, row, place] = node[:6]
                sources[row, place, : len(node.sources)] = node.sources
                needs[row, place, : len(node.needs)] = node.needs
        rows, columns, groups, positions, operations, copies = numbers
        return cls(rows, columns, groups, positions, operations, copies, sources, needs)
