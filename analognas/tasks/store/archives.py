"""Files in the tar archive of a data set."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from analognas.errors import UserError


def members(
    path: Path, read: Callable[[PurePosixPath], bool] = lambda _: True
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield name and content of every file, in the order of the archive.

    Args:
        path: the archive.
        read: whether the content is wanted; without, it is empty.

    Raises:
        UserError: when the archive is damaged.
    """
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile():
                    name = PurePosixPath(member.name)
                    stream = archive.extractfile(member) if read(name) else None
                    yield name, b"" if stream is None else stream.read()
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise UserError(f"{path}: not a readable archive ({error}); fetch it again") from None
