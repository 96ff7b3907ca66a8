"""What a surrogate sees of a NAS-Bench-201 cell.

One column for each operation of each edge; one for each possible path from the input to the output, with its
operations in order (the path encoding of White et al.); and counts that say how errors add up: operations,
paths, convolutions in a row.

References:
    White et al., "BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture Search", AAAI 2021,
    arXiv 1910.11858.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from search_spaces.nasbench201.cell import CONV1, CONV3, EDGES, NONE, OPERATIONS, POOL, SKIP
from search_spaces.space import Population

PATHS: Final = (((0, 3),), ((0, 1), (1, 3)), ((0, 2), (2, 3)), ((0, 1), (1, 2), (2, 3)))
SHORT_NAMES: Final = ("skip", "none", "conv3", "conv1", "pool")


def feature_table(
    cells: Population,
    live: npt.NDArray[np.bool_],
    parameters: npt.NDArray[np.int64],
    macs: npt.NDArray[np.int64],
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Return the names of the features and their values for `cells`, `(n, features)` float32."""
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for edge, (source, target) in enumerate(EDGES):
        for code, name in enumerate(SHORT_NAMES):
            columns[f"{source}to{target}_{name}"] = cells[:, edge] == code
    columns |= _path_columns(cells)
    longest = np.zeros(len(cells), dtype=np.int64)
    shortest = np.full(len(cells), len(EDGES), dtype=np.int64)
    paths = np.zeros(len(cells), dtype=np.int64)
    for path in PATHS:
        codes = cells[:, [EDGES.index(edge) for edge in path]]
        there = (codes != NONE).all(axis=1)
        convolutions = np.isin(codes, (CONV3, CONV1)).sum(axis=1)
        longest = np.where(there, np.maximum(longest, convolutions), longest)
        shortest = np.where(there, np.minimum(shortest, convolutions), shortest)
        paths += there
    for code, name in ((SKIP, "skip"), (CONV3, "conv3"), (CONV1, "conv1"), (POOL, "pool")):
        columns[f"live_{name}"] = ((cells == code) & live).sum(axis=1)
    columns |= {
        "live_edges": live.sum(axis=1),
        "paths": paths,
        "most_convolutions_in_a_row": longest,
        "fewest_convolutions_in_a_row": np.where(paths > 0, shortest, 0),
        "log_parameters": np.log(parameters),
        "log_macs": np.log(macs),
    }
    return list(columns), np.stack(list(columns.values()), axis=1, dtype=np.float32, casting="unsafe")


def _path_columns(cells: Population) -> dict[str, npt.NDArray[np.generic]]:
    """Return for each sequence of operations whether a path of the cell has it."""
    carrying = [code for code in range(len(OPERATIONS)) if code != NONE]
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for length in (1, 2, 3):
        for sequence in product(carrying, repeat=length):
            present = np.zeros(len(cells), dtype=np.bool_)
            for path in PATHS:
                if len(path) == length:
                    present |= (cells[:, [EDGES.index(edge) for edge in path]] == sequence).all(axis=1)
            columns["path_" + "_".join(SHORT_NAMES[code] for code in sequence)] = present
    return columns
