"""Stratified random splits, fixed by a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError


def stratified_indices(
    y: npt.NDArray[np.int64],
    fractions: Sequence[float],
    seed: int,
    class_names: Sequence[str] | None = None,
) -> tuple[npt.NDArray[np.int64], ...]:
    """Return one sorted index array for each fraction; together they hold every item once.

    Each class is shuffled and cut on its own, at the rounded cumulative fractions, so that every part has its share
    of every class to within one item. Where that leaves a part without one, the largest part gives one away.

    Args:
        y: `(n,)` labels.
        fractions: positive, adding up to 1.
        seed: of the shuffle.
        class_names: name of each label, for errors; None: its number.

    Raises:
        UserError: when a class has fewer items than there are parts.

    >>> [part.size for part in stratified_indices(np.array([0, 0, 0, 1, 1, 1]), (0.6, 0.2, 0.2), seed=0)]
    [2, 2, 2]
    """
    rng = np.random.default_rng(seed)
    edges = np.cumsum(fractions)[:-1]
    parts: list[list[npt.NDArray[np.int64]]] = [[] for _ in fractions]
    for label in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == label))
        if len(members) < len(fractions):
            name = label if class_names is None else class_names[label]
            raise UserError(
                f"every class needs an item in each of the {len(fractions)} splits, "
                f"class {name} has {len(members)}; add items, or merge the class with another"
            )
        cuts = np.rint(edges * len(members)).astype(np.int64)
        sizes = np.diff(cuts, prepend=0, append=len(members))
        for empty in np.flatnonzero(sizes == 0):
            sizes[np.argmax(sizes)] -= 1
            sizes[empty] = 1
        pieces = np.split(members, np.cumsum(sizes)[:-1])
        for part, piece in zip(parts, pieces, strict=True):
            part.append(piece)
    return tuple(np.sort(np.concatenate(part)) for part in parts)
