"""Which cells of NAS-Bench-201 compute the same: live edges, and one representative of each class.

A cell's nodes are sums. Three things make different cells the same network: the order of the two inner nodes;
a skip, which stands for the terms of the node it starts from; and edges that carry nothing, because they are
`none`, start from an empty node, or end in a node that the output does not need. The network leaves such
edges out.

Each cell is reduced to its operations and what each of them reads, a multiset of the cell's input and other
operations. Two convolutions with the same input stay two (their weights differ), two poolings of the same are
one. The reduced form is written out with the operations in the order of their unfolded expressions, trying
every order among equals, and the smallest text is the name of the class. Its representative is the first of
its cells in lexicographic order.

5,259 different networks are left of the 15,284 connected cells. The original paper counts 6,466: its
expressions keep a trace of edges that carry nothing, and do not tell one convolution that is used twice from
two of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import groupby, permutations, product

import numpy as np
import numpy.typing as npt

from search_spaces.nasbench201.cell import EDGES, N_CELLS, NONE, POOL, SKIP, cells
from search_spaces.space import Genotype

# An operand is the cell's input (-1) or an operation (the edge that holds it).
INPUT = -1
Value = tuple[tuple[int, int], ...]
"""A sum: (operand, how often), sorted."""


@dataclass(frozen=True)
class Isomorphism:
    """Every cell's class, by its place in the lexicographic list; read-only.

    Attributes:
        representative: `(15625,)` int64, the place of the first cell of the same class.
        live: `(15625, 6)` bool, the edges that carry something to the output.
        connected: `(15625,)` bool, whether the output depends on the input at all.
    """

    representative: npt.NDArray[np.int64]
    live: npt.NDArray[np.bool_]
    connected: npt.NDArray[np.bool_]


@cache
def isomorphism() -> Isomorphism:
    """Return the classes of all cells, worked out at the first call."""
    representative = np.empty(N_CELLS, dtype=np.int64)
    live = np.empty((N_CELLS, len(EDGES)), dtype=np.bool_)
    first: dict[tuple[object, ...], int] = {}
    for index, genotype in enumerate(cells(np.arange(N_CELLS)).tolist()):
        live[index] = live_edges(tuple(genotype))
        representative[index] = first.setdefault(_class_name(tuple(genotype)), index)
    connected: npt.NDArray[np.bool_] = np.any(live, axis=1)
    for array in (representative, live, connected):
        array.setflags(write=False)
    return Isomorphism(representative, live, connected)


def live_edges(genotype: Genotype) -> tuple[bool, ...]:
    """Return which edges lie on a path from the input to the output without a `none`."""
    used = [code != NONE for code in genotype]
    reached, needed = {0}, {3}
    for (source, target), on in zip(EDGES, used, strict=True):
        if on and source in reached:
            reached.add(target)
    for (source, target), on in zip(reversed(EDGES), reversed(used), strict=True):
        if on and target in needed:
            needed.add(source)
    return tuple(
        on and source in reached and target in needed
        for (source, target), on in zip(EDGES, used, strict=True)
    )


def _reduced(genotype: Genotype) -> tuple[dict[int, tuple[int, Value]], Value]:
    """Return the operations as {edge: (code, what it reads)} and what the output sums."""
    sums: dict[int, Counter[int]] = {0: Counter({INPUT: 1}), 1: Counter(), 2: Counter(), 3: Counter()}
    operations: dict[int, tuple[int, Value]] = {}
    pools: dict[Value, int] = {}
    live = live_edges(genotype)
    # In the order of their sources, so that every node is complete before it is read.
    for edge in sorted(range(len(EDGES)), key=lambda edge: EDGES[edge]):
        source, target = EDGES[edge]
        if not live[edge]:
            continue
        if genotype[edge] == SKIP:
            sums[target].update(sums[source])
            continue
        read = tuple(sorted(sums[source].items()))
        operand = pools.setdefault(read, edge) if genotype[edge] == POOL else edge
        operations.setdefault(operand, (genotype[edge], read))
        sums[target][operand] += 1
    return operations, tuple(sorted(sums[3].items()))


def _class_name(genotype: Genotype) -> tuple[object, ...]:
    """Return the same value for two cells if and only if they compute the same."""
    operations, output = _reduced(genotype)
    unfolded: dict[int, str] = {INPUT: "x"}

    def text(value: Value) -> str:
        return "+".join(sorted(f"{times}{unfolded[operand]}" for operand, times in value))

    for operand in sorted(operations):
        code, read = operations[operand]
        unfolded[operand] = f"{code}({text(read)})"
    ordered = sorted(operations, key=lambda operand: unfolded[operand])
    equals = [list(group) for _, group in groupby(ordered, key=lambda operand: unfolded[operand])]
    names = []
    for choice in product(*(permutations(group) for group in equals)):
        rank = {operand: place for place, operand in enumerate(sum(choice, ()))} | {INPUT: INPUT}
        lines = [
            (operations[operand][0], tuple(sorted((rank[o], times) for o, times in operations[operand][1])))
            for operand in sum(choice, ())
        ]
        names.append((tuple(lines), tuple(sorted((rank[o], times) for o, times in output))))
    return min(names)
