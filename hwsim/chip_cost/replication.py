"""How many copies of each layer a tile budget allows, so that the busiest layer takes the least time.

Early layers read their matrix at every position of a large map and hold few weights: copies share the positions. The
replicas of whichever layers are busiest are raised until the next copies do not fit. No allocation within the budget
is faster: each that is has at least as many copies of every one of these layers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def replicas_within(
    positions: Integers, interval: Integers, first: Integers, tiles: Integers, budget: int
) -> Integers:
    """Return how many copies of each layer to make, `(networks, layers)`, 1 or more.

    Args:
        positions: outputs of each layer, `(networks, layers)`.
        interval: time between two outputs of one copy, of the same shape.
        first: time of the first output, of the same shape.
        tiles: of one copy of each layer, with all layers that are equal to it; 0 for what takes none.
        budget: tiles of the chip.

    Example:
        >>> once = np.array([[1, 1]])
        >>> replicas_within(np.array([[64, 16]]), once, once, np.array([[1, 2]]), budget=6).tolist()
        [[4, 1]]
    """
    count = np.ones_like(positions)
    growing = np.arange(len(positions))
    while len(growing):
        here = count[growing]
        place, tile = positions[growing], tiles[growing]
        busy = np.where(tile > 0, first[growing] + interval[growing] * (-(-place // here) - 1), 0)
        busiest = busy.max(axis=1, keepdims=True)
        raised = (busy == busiest) & (tile > 0)
        # the fewest copies that give one output fewer to each: what lies between changes nothing
        fewer = np.maximum(-(-place // here) - 1, 1)
        more = np.where(raised, -(-place // fewer), here)
        fits = (more * tile).sum(axis=1) <= budget
        helps = (more > here).any(axis=1) & ((place > here) | ~raised).all(axis=1)
        go = fits & helps
        count[growing[go]] = more[go]
        growing = growing[go]
    return count
