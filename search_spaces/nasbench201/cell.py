"""Cells of NAS-Bench-201: six edges between four nodes, each with one of five operations, in both notations.

A genotype is the operation codes of the edges 0->1, 0->2, 0->3, 1->2, 1->3, 2->3; AnalogNAS-Bench writes the
same six numbers. NAS-Bench-201 writes `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`: one group for each of the nodes
1, 2 and 3, in it the edges from the nodes before.

References:
    Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020,
    arXiv 2001.00326.
    AnalogNAS-Bench, 2025, arXiv 2506.18495.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from search_spaces.space import Genotype, Population

OPERATIONS: Final = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
SKIP, NONE, CONV3, CONV1, POOL = range(5)
EDGES: Final = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
N_CELLS: Final = len(OPERATIONS) ** len(EDGES)
_PLACE_VALUES: Final = len(OPERATIONS) ** np.arange(len(EDGES) - 1, -1, -1)


def cell_index(population: Population) -> npt.NDArray[np.int64]:
    """Return the place of each cell in the list of all 15,625 in lexicographic order, `(n,)` int64.

    Raises:
        ValueError: for rows that are no cells.
    """
    if population.ndim != 2 or population.shape[1] != len(EDGES):
        raise ValueError(f"a population must be (n, {len(EDGES)}), got shape {population.shape}")
    if population.size and not (population.min() >= 0 and population.max() < len(OPERATIONS)):
        wrong = population.min() if population.min() < 0 else population.max()
        raise ValueError(f"an operation must lie within 0 to {len(OPERATIONS) - 1}, got {wrong}")
    index: npt.NDArray[np.int64] = population @ _PLACE_VALUES
    return index


def cells(index: npt.NDArray[np.int64]) -> Population:
    """Return the genotypes at these places, `(n, 6)` int64."""
    rows: Population = index[:, None] // _PLACE_VALUES % len(OPERATIONS)
    return rows


def to_arch(genotype: Genotype) -> str:
    """Return the NAS-Bench-201 notation of a cell.

    Example:
        >>> to_arch((2, 1, 0, 2, 4, 3))
        '|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|'
    """
    operation = {edge: OPERATIONS[code] for edge, code in zip(EDGES, genotype, strict=True)}
    groups = (
        "|" + "|".join(f"{operation[source, target]}~{source}" for source in range(target)) + "|"
        for target in (1, 2, 3)
    )
    return "+".join(groups)


def from_arch(arch: str) -> Genotype:
    """Return the genotype of a cell in the NAS-Bench-201 notation.

    Raises:
        ValueError: for anything else; the message names the rule and the value.
    """
    groups = arch.split("+")
    code: dict[tuple[int, int], int] = {}
    for target, group in enumerate(groups, start=1):
        for source, (operation, written) in enumerate(re.findall(r"\|(\w+)~(\d)(?=\|)", group)):
            if operation not in OPERATIONS:
                raise ValueError(
                    f"operation must be one of {', '.join(OPERATIONS)}, got {operation!r} in {arch!r}"
                )
            if source == int(written):
                code[source, target] = OPERATIONS.index(operation)
    if set(code) != set(EDGES) or to_arch(tuple(code[edge] for edge in EDGES)) != arch:
        raise ValueError(f"a cell must read |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, got {arch!r}")
    return tuple(code[edge] for edge in EDGES)
