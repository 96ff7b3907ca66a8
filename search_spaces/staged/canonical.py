"""One genotype for each network: choices that change nothing at one value, equal stages merged.

Two neighbouring stages of equal blocks, the second without a stride, are one deeper stage. Of a run of them the first
stages are as deep as a stage may be.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_spaces.space import Population
from search_spaces.staged.maps import taken_strides
from search_spaces.staged.ranges import (
    DEPTH,
    EXPANSION,
    GROUPS,
    STAGES,
    STEM_STRIDE,
    STRIDE,
    TYPE,
    StagedRanges,
)


def canonical(population: Population, ranges: StagedRanges) -> Population:
    """Return the canonical genotypes, `(n, genes)` int64; genes out of range are left as they are.

    Raises:
        ValueError: for rows of another space.
    """
    ranges.check_rows(population)
    rows = population.copy()
    stages = ranges.of_blocks(rows)
    stages[~ranges.active(rows)] = 0
    other = stages[:, :, TYPE] != _type_e(ranges)
    stages[:, :, EXPANSION][other] = 0
    stages[:, :, GROUPS][other] = 0
    stem, strides = taken_strides(rows, ranges)
    rows[:, STEM_STRIDE] = stem
    stages[:, :, STRIDE] = np.where(ranges.active(rows), strides, 0)
    _merge(rows, ranges)
    return rows


def _type_e(ranges: StagedRanges) -> int:
    """Return the gene of type E; -1 where the space has none."""
    return ranges.types.find("E")


def _merge(rows: Population, ranges: StagedRanges) -> None:
    """Fill each stage from the equal ones after it, in place."""
    stages = ranges.of_blocks(rows)
    for first in range(ranges.stages - 1):
        for _ in range(ranges.stages - 1 - first):
            second = first + 1
            same = (stages[:, first, DEPTH + 1 : STRIDE] == stages[:, second, DEPTH + 1 : STRIDE]).all(axis=1)
            same &= (stages[:, first, STRIDE + 1 :] == stages[:, second, STRIDE + 1 :]).all(axis=1)
            same &= (stages[:, second, STRIDE] == 0) & (rows[:, STAGES] > second)
            moved = np.where(
                same, np.minimum(ranges.depth - stages[:, first, DEPTH], stages[:, second, DEPTH]), 0
            )
            moved = np.maximum(moved, 0)
            if not moved.any():
                break
            stages[:, first, DEPTH] += moved
            stages[:, second, DEPTH] -= moved
            _close_gaps(rows, (moved > 0) & (stages[:, second, DEPTH] == 0), second, ranges)


def _close_gaps(rows: Population, emptied: npt.NDArray[np.bool_], place: int, ranges: StagedRanges) -> None:
    """Remove the stage at `place` from the emptied rows, in place."""
    stages = ranges.of_blocks(rows)
    stages[emptied, place:-1] = stages[emptied, place + 1 :]
    stages[emptied, -1] = 0
    rows[emptied, STAGES] -= 1
