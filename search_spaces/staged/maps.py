"""Sizes of the maps of staged networks: which strides are taken, and how long each axis is then.

A convolution with an odd kernel, padded by half of it, gives an axis of `ceil(length / stride)`. An axis shorter than
four is not halved, so that every network of a space can be built for any input.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_spaces.space import Population
from search_spaces.staged.ranges import (
    SHORTEST_STRIDED_AXIS,
    STEM_STRIDE,
    STRIDE,
    StagedRanges,
)

Integers = npt.NDArray[np.int64]


def taken_strides(population: Population, ranges: StagedRanges) -> tuple[Integers, Integers]:
    """Return the strides that networks take, as genes: `(n,)` of the first convolution and `(n, stages)`.

    A stride that the map is too short for along one axis becomes the one without it, where the space has that one, or
    none at all. Genes of inactive stages are read as well; they do not matter.
    """
    stages = ranges.of_blocks(population)
    size = np.tile(np.array(ranges.input_shape[1:], dtype=np.int64), (len(population), 1))
    stem, size = _taken(population[:, STEM_STRIDE], size, ranges)
    taken = np.zeros((len(population), ranges.stages), dtype=np.int64)
    for stage in range(ranges.stages):
        taken[:, stage], size = _taken(stages[:, stage, STRIDE], size, ranges)
    return stem, taken


def map_sizes(population: Population, ranges: StagedRanges) -> Integers:
    """Return height and width after the first convolution and each stage, `(n, 1 + stages, 2)`, of canonical rows."""
    stages = ranges.of_blocks(population)
    table = np.array(ranges.strides, dtype=np.int64)
    genes = np.concatenate([population[:, STEM_STRIDE, None], stages[:, :, STRIDE]], axis=1)
    strides = table[np.clip(genes, 0, len(table) - 1)]
    sizes: Integers = np.empty_like(strides)
    before = np.broadcast_to(np.array(ranges.input_shape[1:], dtype=np.int64), strides[:, 0].shape)
    for place in range(strides.shape[1]):
        before = -(-before // strides[:, place])
        sizes[:, place] = before
    return sizes


def _taken(genes: Integers, size: Integers, ranges: StagedRanges) -> tuple[Integers, Integers]:
    """Return the genes of the strides that are taken on maps of `(n, 2)` sizes, and the sizes after them."""
    table = np.array(ranges.strides, dtype=np.int64)
    known = np.clip(genes, 0, len(table) - 1)
    wanted = np.where(size >= SHORTEST_STRIDED_AXIS, table[known], 1)
    match = (table[None] == wanted[:, None]).all(axis=-1)
    found = np.where(match.any(axis=1), match.argmax(axis=1), 0)
    found = np.where(known == genes, found, genes)  # a gene out of range stays as it is
    after: Integers = -(-size // table[np.clip(found, 0, len(table) - 1)])
    return found, after
