"""`SHA256SUMS` of a folder: which files it has, and what is in them, as `sha256sum --check` reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

CHECKSUMS: Final = "SHA256SUMS"


def write_checksums(folder: Path) -> None:
    """Write the checksum of every file that is in `folder` and the folders in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    _write(folder, {path.relative_to(folder).as_posix(): _sha256(path) for path in files})


def update_checksums(folder: Path, names: Collection[str]) -> None:
    """Write the checksums of files that were replaced, where the folder has any of theirs."""
    try:
        written = _written(folder)
    except (OSError, ValueError):
        return
    replaced = {name: _sha256(folder / name) for name in written if name in names}
    if replaced:
        _write(folder, {**written, **replaced})


def damaged_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the files in `folder` that are missing or have another content than was written.

    Where the checksums are missing or damaged themselves, they are the only name.
    """
    try:
        written = _written(folder)
    except (OSError, ValueError):
        return (CHECKSUMS,)
    paths = map(PurePosixPath, written)
    if not written or any(path.is_absolute() or ".." in path.parts for path in paths):
        return (CHECKSUMS,)
    return tuple(name for name, checksum in written.items() if not _holds(folder / name, checksum))


def is_damaged(path: Path) -> bool:
    """Return whether a file differs from its checksum; one without a checksum does not."""
    try:
        checksum = _written(path.parent).get(path.name)
    except (OSError, ValueError):
        return False
    return checksum is not None and not _holds(path, checksum)


def _written(folder: Path) -> dict[str, str]:
    """Return the checksums that a folder has, by the names of the files."""
    lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    return {name: checksum for checksum, name in (line.split("  ", 1) for line in lines)}


def _write(folder: Path, checksums: Mapping[str, str]) -> None:
    lines = [f"{checksum}  {name}\n" for name, checksum in checksums.items()]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _holds(path: Path, checksum: str) -> bool:
    return path.is_file() and _sha256(path) == checksum


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
