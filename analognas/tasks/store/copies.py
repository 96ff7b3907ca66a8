"""Copies of data sets in one `.npz` file."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.store.npz import Arrays, NpzError, read_npz


def open_copy(path: Path, title: str, names: Sequence[str]) -> Arrays:
    """Return the arrays `names` of a copy.

    Args:
        path: the file.
        title: the data set, for errors.
        names: of the arrays.

    Raises:
        UserError: when the file cannot be read, or lacks one of them.
    """
    try:
        arrays, held = read_npz(path, names)
        missing = [name for name in names if name not in arrays]
        if missing:
            raise NpzError(f"lacks {', '.join(missing)}, holds {', '.join(held) or 'nothing'}")
    except NpzError as error:
        raise UserError(f"{path}: not a copy of {title} ({error}); replace it, or remove it") from None
    return arrays


def pieces(stream: npt.NDArray[Any], offsets: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """Return the pieces of `stream` that begin and end at neighbours in `offsets`."""
    return [stream[start:end] for start, end in itertools.pairwise(offsets.tolist())]
