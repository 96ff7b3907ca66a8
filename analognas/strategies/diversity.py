"""Choosing a batch that is good and diverse: greedy max-min distance among the best candidates.

The best candidate comes first. Each further one is the candidate of the leading group that lies farthest,
in features scaled to their range, from everything chosen so far and from what is being evaluated already
(the farthest-first traversal of Gonzalez).

References:
    T. F. Gonzalez, Clustering to minimize the maximum intercluster distance, Theoretical Computer Science
    38, 1985.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

LEADERS_A_SLOT: Final = 4
"""Candidates that compete for a place in the batch: with four a place, none is worse than the best 4 n."""


def diverse_batch(
    features: npt.NDArray[np.floating], n: int, anchors: npt.NDArray[np.floating]
) -> npt.NDArray[np.intp]:
    """Return the rows of at most `n` candidates, in the order of choice.

    Args:
        features: `(m, features)` of the candidates, best first.
        n: places in the batch.
        anchors: `(k, features)` of candidates that are being evaluated; none may have been chosen before.
    """
    leaders = features[: LEADERS_A_SLOT * n].astype(np.float64)
    if len(leaders) <= n:
        return np.arange(len(leaders))
    low, high = leaders.min(axis=0), leaders.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    scaled = (leaders - low) / width
    chosen: list[int] = []
    nearest = np.full(len(scaled), np.inf)
    for anchor in (anchors.astype(np.float64) - low) / width:
        nearest = np.minimum(nearest, np.square(scaled - anchor).sum(axis=1))
    for _ in range(n):
        row = int(np.argmax(nearest)) if chosen or len(anchors) else 0
        chosen.append(row)
        nearest = np.minimum(nearest, np.square(scaled - scaled[row]).sum(axis=1))
        nearest[chosen] = -1.0
    return np.array(chosen, dtype=np.intp)
