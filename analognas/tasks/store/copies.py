"""Copies of data sets in one `.npz` file: read, and checked before anything is computed from them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.store.npz import Arrays, NpzError, read_npz


@dataclass(frozen=True)
class Copy:
    """The arrays of a copy.

    Attributes:
        path: the file.
        title: the data set, for errors.
        arrays: by name.
    """

    path: Path
    title: str
    arrays: Arrays

    def labels(self, name: str, n: int, n_classes: int) -> npt.NDArray[np.int64]:
        """Return `n` labels from 0 to `n_classes - 1`.

        Raises:
            UserError: when there are more or fewer, or others.
        """
        y = self.column(name, n, "biu")
        if y.min() < 0 or y.max() >= n_classes:
            raise self.damaged(
                f"`{name}` has labels from {y.min()} to {y.max()}, expected 0 to {n_classes - 1}"
            )
        return y.astype(np.int64)

    def column(self, name: str, n: int, kinds: str) -> npt.NDArray[Any]:
        """Return an array of one value for each of `n` items, of one of the dtype kinds.

        Raises:
            UserError: when it has another shape or holds something else.
        """
        values = self.arrays[name]
        if values.shape != (n,) or values.dtype.kind not in kinds:
            raise self.damaged(
                f"`{name}` has the shape {values.shape} and holds {values.dtype}, expected {n:,} values"
            )
        return values

    def pieces(self, stream: str, offsets: str, dtype: npt.DTypeLike) -> list[npt.NDArray[Any]]:
        """Return the pieces of the array `stream` that begin and end at neighbours in `offsets`.

        Raises:
            UserError: when `stream` is no vector of `dtype`, or a piece is empty or beyond its end.
        """
        values, cuts = self.arrays[stream], self.arrays[offsets]
        if values.ndim != 1 or values.dtype != dtype:
            raise self.damaged(
                f"`{stream}` has the shape {values.shape} and holds {values.dtype}, expected {np.dtype(dtype)}"
            )
        if cuts.ndim != 1 or cuts.dtype.kind not in "iu" or len(cuts) < 2:
            raise self.damaged(f"`{offsets}` has the shape {cuts.shape} and holds {cuts.dtype}")
        places = cuts.astype(np.int64)
        if places[0] < 0 or places[-1] > len(values) or (np.diff(places) <= 0).any():
            raise self.damaged(
                f"`{offsets}` must rise from 0 to at most {len(values):,}, the length of `{stream}`"
            )
        return [values[start:end] for start, end in itertools.pairwise(places.tolist())]

    def damaged(self, reason: str) -> UserError:
        """Return the error for a copy that holds something else than expected."""
        return UserError(f"{self.path}: not a copy of {self.title} ({reason}); replace it, or remove it")


def open_copy(path: Path, title: str, names: Sequence[str]) -> Copy:
    """Return a copy that holds at least the arrays `names`.

    Raises:
        UserError: when it cannot be read, or lacks one of them.
    """
    try:
        arrays, held = read_npz(path, names)
    except NpzError as error:
        raise Copy(path, title, {}).damaged(str(error)) from None
    copy = Copy(path, title, arrays)
    for name in names:
        if name not in arrays:
            raise copy.damaged(f"lacks the array `{name}`, holds {', '.join(held) or 'nothing'}")
    return copy
