"""Files that are written whole or not at all, and read whether they are gzipped or not."""

from __future__ import annotations

import errno
import gzip
import os
import secrets
import zlib
from pathlib import Path
from typing import Final

_MARK: Final = b"\x1f\x8b"


def read_packed(path: Path) -> bytes:
    """Return what a file holds, unpacked where it is gzipped.

    Raises:
        OSError: when it cannot be read, or its packing is damaged.
    """
    data = path.read_bytes()
    if not data.startswith(_MARK):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, zlib.error) as error:
        raise OSError(f"damaged: {error}") from None


def write_packed(path: Path, data: bytes) -> None:
    """Write a file, gzipped; equal data give an equal file, and the old one stays until the new one is whole.

    Raises:
        OSError: when the disk is full or the folder cannot be written.
    """
    write_bytes(path, gzip.compress(data, mtime=0))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that it is either the old one or the whole new one.

    Raises:
        OSError: when the disk is full, the folder cannot be written, or the path is a folder; the old file stays.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path), None, str(path))
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
