"""Reads arrays out of `.npz` files that somebody else wrote; pickled objects are never loaded."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]


class NpzError(ValueError):
    """A file that is no usable `.npz`; the message says why."""


def read_npz(path: Path, names: Collection[str]) -> tuple[Arrays, tuple[str, ...]]:
    """Return the arrays of `path` that are among `names`, and the names of all that it holds.

    Raises:
        NpzError: when the file is missing, damaged, another kind of file, holds objects, or is too large for memory.
    """
    if not path.exists():
        raise NpzError("no such file")
    if not zipfile.is_zipfile(path):
        raise NpzError("not an .npz file, or a truncated one")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files if name in names}, tuple(archive.files)
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            raise NpzError("arrays of objects are not read, numbers and texts of fixed length are") from None
        raise NpzError(f"not a readable .npz file ({error})") from None
