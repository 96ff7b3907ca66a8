"""Channels of the main blocks, and how a genotype that is too wide is brought back into the space."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from search_spaces.resnet.ranges import OC0, WF, M, Ranges
from search_spaces.space import Population

# Far above any buildable width, and small enough that its product with another width fits into 64 bits.
WIDTH_CEILING: Final = 2**31 - 1


def widths(population: Population, ranges: Ranges) -> npt.NDArray[np.int64]:
    """Return the channels after the first convolution and each main block, `(n, 1 + main blocks)`.

    A main block has `WF` times the channels of its predecessor; inactive main blocks repeat the last width.
    """
    factor = np.where(ranges.active(population), ranges.blocks(population)[:, :, WF], 1)
    result = np.empty((len(population), 1 + ranges.m[1]), dtype=np.int64)
    result[:, 0] = population[:, OC0]
    for block in range(ranges.m[1]):
        result[:, block + 1] = np.minimum(result[:, block] * factor[:, block], WIDTH_CEILING)
    return result


def narrow(population: Population, ranges: Ranges) -> Population:
    """Return the genotypes changed as little as needed to respect `max_width`, `(n, genes)` int64.

    OC0 and M fall first, where even the smallest widening is too much, then the widening factors in order.
    """
    rows = population.copy()
    blocks = ranges.blocks(rows)
    smallest = ranges.wf[0]
    rows[:, OC0] = np.minimum(rows[:, OC0], ranges.max_width // smallest ** ranges.m[0])
    if smallest > 1:
        depths = np.arange(1, ranges.m[1] + 1)
        fits = rows[:, OC0, None] * float(smallest) ** depths <= ranges.max_width
        rows[:, M] = np.minimum(rows[:, M], fits.sum(axis=1))
    active = ranges.active(rows)
    width = rows[:, OC0].copy()
    for block in range(ranges.m[1]):
        # Every later main block widens by at least the smallest factor.
        reserved = smallest ** np.maximum(rows[:, M] - 1 - block, 0)
        limit = np.maximum(ranges.max_width // np.maximum(width * reserved, 1), smallest)
        blocks[:, block, WF] = np.minimum(blocks[:, block, WF], limit)
        width *= np.where(active[:, block], blocks[:, block, WF], 1)
    return rows
