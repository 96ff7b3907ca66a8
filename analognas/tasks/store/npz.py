"""Reads arrays out of `.npz` files that somebody else wrote: no pickled objects, and no more than the memory holds.

An archive of some megabytes may unpack to terabytes. What the arrays take is in the directory of the archive, and more
than it says is never unpacked.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]

TIMES: Final = 3
"""How often a data set is in memory while it is loaded: as it was read, as float32, and as its splits."""


NPY: Final = b"\x93NUMPY"
"""What a file of a single array starts with."""

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""What an archive starts with, and an empty one."""


class NpzError(ValueError):
    """A file that is no usable `.npz`; the message says why."""


def read_npz(path: Path, names: Collection[str]) -> tuple[Arrays, tuple[str, ...]]:
    """Return the arrays of `path` that are among `names`, and the names of all that it holds.

    Raises:
        NpzError: when the file is missing, damaged, another kind of file, holds objects, or is too large for the
            memory of this machine.
    """
    if not path.exists():
        raise NpzError("no such file")
    try:
        with path.open("rb") as file:
            start = file.read(len(NPY))
            if start == NPY:
                raise NpzError("holds one array, not named ones")
            if not start.startswith(ZIP):
                raise NpzError("not an .npz file: it does not start as a zip archive does")
            file.seek(0)
            archive = np.load(file, allow_pickle=False)
            with archive:
                wanted = [name for name in archive.files if name in names]
                _check_size(archive, wanted)
                return {name: _array(archive, name) for name in wanted}, tuple(archive.files)
    except NpzError:
        raise
    except Exception as error:
        if isinstance(error, ValueError) and "allow_pickle" in str(error):
            raise NpzError(
                "not an .npz file of numbers and fixed-length texts: arrays of objects are not read"
            ) from None
        raise NpzError(f"not a readable .npz file ({type(error).__name__}: {error})") from None


def _array(archive: np.lib.npyio.NpzFile, name: str) -> npt.NDArray[Any]:
    value = archive[name]
    if not isinstance(value, np.ndarray):
        raise NpzError(f"`{name}` is no array")
    return value


def _check_size(archive: np.lib.npyio.NpzFile, wanted: Collection[str]) -> None:
    assert archive.zip is not None
    size = sum(
        info.file_size for info in archive.zip.infolist() if info.filename.removesuffix(".npy") in wanted
    )
    memory = physical_memory()
    if memory is not None and TIMES * size > memory:
        raise NpzError(
            f"{', '.join(f'`{name}`' for name in wanted)} take {size / 1e9:,.1f} GB unpacked, and {TIMES} times as "
            f"much while they are loaded; this machine has {memory / 1e9:,.1f} GB of memory: give fewer items"
        )


def physical_memory() -> int | None:
    """Return the bytes of memory of this machine, None where the system does not say."""
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None
