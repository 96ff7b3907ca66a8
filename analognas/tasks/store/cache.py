"""Keeps decoded images and features, so that every search after the first starts at once.

An entry is one uncompressed `.npz` without pickled objects, named by a hash of what it was made from: the identity of
the source files, the parameters, and the version of the code that made it. It is written under another name and moved
into place, so that several processes can make the same entry. A damaged entry is made again. Where the folder cannot
be written, nothing is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analognas.tasks.store.places import cache_folder

Arrays = Mapping[str, npt.NDArray[Any]]


def cached(name: str, identity: Mapping[str, Any], compute: Callable[[], Arrays]) -> Arrays:
    """Return the arrays of an entry, computed when they are not there.

    Args:
        name: begins the file's name.
        identity: everything the arrays depend on, as JSON values.
        compute: makes them.
    """
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:20]
    path = cache_folder() / f"{name}-{key}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {entry: archive[entry] for entry in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        arrays = compute()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as out:
            np.savez(out, allow_pickle=False, **dict(arrays))
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return arrays


def file_identity(paths: Iterable[Path], root: Path) -> str:
    """Return a hash over names, sizes and modification times of files, or of links to nothing.

    Names are relative to `root`.
    """
    digest = hashlib.sha256()
    for path in paths:
        status = path.stat() if path.exists() else path.lstat()
        digest.update(os.fsencode(path.relative_to(root)))
        digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
