"""One genotype for each network of the ResNet-like space.

Two things let different genotypes describe the same network:

- genes of main blocks past `M`, which are set to 0;
- neighbouring main blocks that differ in nothing but their number: where the second neither strides (the map
  is too small to be halved) nor widens (WF = 1), and both have the same B, CT and skip, only the sum of their
  R matters. Such a run of main blocks is written with as few of them as the range of R allows, the first ones
  filled first. Where that would leave fewer than the smallest M, the earliest runs are split further.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_spaces.resnet.geometry import GeometryTable
from search_spaces.resnet.ranges import CT, KS0, SKIP, WF, B, M, R, Ranges
from search_spaces.space import Population


def canonical(population: Population, ranges: Ranges, table: GeometryTable) -> Population:
    """Return the canonical genotypes, `(n, genes)` int64: equal rows if and only if equal networks.

    Raises:
        ValueError: for rows of another space.
    """
    ranges.check_rows(population)
    rows: Population = np.array(population, dtype=np.int64, order="C")
    blocks = ranges.blocks(rows)
    blocks[~ranges.active(rows)] = 0
    strided = table.strided[rows[:, KS0] - ranges.ks0[0]]
    continues = _continues(blocks, strided)
    mergeable = continues.any(axis=1)
    if mergeable.any():
        rows[mergeable] = _merge(rows[mergeable], continues[mergeable], strided[mergeable], ranges)
    return rows


def _continues(blocks: Population, strided: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return where a main block only continues its predecessor, `(n, main blocks)`."""
    continues = np.zeros(blocks.shape[:2], dtype=np.bool_)
    continues[:, 1:] = (blocks[:, 1:, WF] == 1) & ~strided[:, 1:]
    for gene in (B, CT, SKIP):
        continues[:, 1:] &= blocks[:, 1:, gene] == blocks[:, :-1, gene]
    return continues


def _merge(
    rows: Population, continues: npt.NDArray[np.bool_], strided: npt.NDArray[np.bool_], ranges: Ranges
) -> Population:
    n, most = continues.shape
    row = np.arange(n)
    blocks, active = ranges.blocks(rows), ranges.active(rows)
    starts = active & ~continues
    run = np.cumsum(starts, axis=1) - 1
    total = np.zeros((n, most), dtype=np.int64)
    np.add.at(total, (row[:, None], run), np.where(active, blocks[:, :, R], 0))
    first = np.zeros((n, most), dtype=np.int64)
    at, position = np.nonzero(starts)
    first[at, run[at, position]] = position

    # Main blocks stride up to some position and never after it, so only runs from there on can have several.
    divisible = first >= strided[:, 1:].sum(axis=1)[:, None]
    fewest = -(-total // ranges.r[1])
    spare = np.where(divisible, total // ranges.r[0] - fewest, 0)
    needed = np.maximum(ranges.m[0] - fewest.sum(axis=1), 0)[:, None]
    length = fewest + np.clip(needed - (np.cumsum(spare, axis=1) - spare), 0, spare)

    merged = np.zeros_like(rows)
    merged[:, :M] = rows[:, :M]
    merged[:, M] = length.sum(axis=1)
    written = ranges.blocks(merged)
    end = np.cumsum(length, axis=1)
    for place in range(most):
        there = place < merged[:, M]
        index = np.minimum((end <= place).sum(axis=1), most - 1)
        block = blocks[row, first[row, index]]
        later = end[row, index] - 1 - place
        taken = np.minimum(ranges.r[1], total[row, index] - later * ranges.r[0])
        total[row, index] -= np.where(there, taken, 0)
        block[:, R] = taken
        block[place != end[row, index] - length[row, index], WF] = 1
        written[there, place] = block[there]
    return merged
