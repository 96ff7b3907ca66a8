"""Downloads the files of a data set: resumed where a download broke off, checked, and put in place in one step.

What has arrived so far is kept as `FILE.part`. A server that honours the Range header goes on after it, any other
starts again. A file appears under its own name only after its SHA-256 was right. One process at a time fetches a file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final

from analognas.errors import UserError
from analognas.tasks.store.sources import Download, Source

CHUNK: Final = 1 << 20
TIMEOUT_S: Final = 60.0
ATTEMPTS: Final = 3

Progress = Callable[[str, int, int], None]
"""Takes a file name, the bytes that are there, and the bytes there will be."""


def fetch(source: Source, folder: Path, progress: Progress) -> tuple[Path, ...]:
    """Download every file of `source` that `folder` lacks.

    Args:
        source: the data set.
        folder: of this data set; made where it does not exist.
        progress: is told as bytes arrive.

    Returns:
        The files.

    Raises:
        UserError: without a connection, when a server refuses, when a checksum is wrong, and when the disk is full or
            cannot be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(_fetch_file(source, download, folder, progress) for download in source.downloads)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):  # nothing arrived in those that are empty
            for path in made:
                path.rmdir()


def _fetch_file(source: Source, download: Download, folder: Path, progress: Progress) -> Path:
    target, part = folder / download.file, folder / f"{download.file}.part"
    if target.exists():
        if _sha256(target) == download.sha256:
            progress(download.file, download.size, download.size)
            return target
        raise UserError(f"{target}: is there already with another content; remove it and fetch again")
    _check_room(folder, download, part)
    with _alone(part):
        _download(source, download, folder, progress)
        found = _sha256(part)
        if found != download.sha256:
            part.unlink()
            raise UserError(
                f"{download.url}: the file has the SHA-256 {found[:12]}…, expected {download.sha256[:12]}…; "
                "it was removed, fetch it again or ask its owner what changed"
            )
        part.replace(target)
    return target


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Keep other processes from `part`; it is removed where it is empty in the end.

    Raises:
        UserError: when another process is fetching the file.
    """
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{part}: another process is fetching this file; wait for it, or stop it"
            ) from None
        try:
            yield
        finally:
            if part.exists() and not _size(part):
                part.unlink()


def _download(source: Source, download: Download, folder: Path, progress: Progress) -> None:
    """Bring all bytes into the `.part` of the file."""
    part = folder / f"{download.file}.part"
    for attempt in range(1, ATTEMPTS + 1):
        before = _size(part)
        try:
            _continue(download, part, progress)
            if _size(part) >= download.size:
                break
            reason = f"the connection ended after {_size(part):,} of {download.size:,} bytes"
        except urllib.error.HTTPError as error:
            raise UserError(
                f"{download.url}: the server answered {error.code} {error.reason}; "
                f"without a connection, {source.by_hand(folder)}"
            ) from None
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            reason = str(getattr(error, "reason", None) or error or type(error).__name__)
        if attempt == ATTEMPTS or _size(part) == before:
            kept = f"{_size(part):,} bytes are kept, the same command goes on; " if _size(part) else ""
            raise UserError(
                f"{download.url}: cannot be downloaded ({reason}); {kept}"
                f"without a connection, {source.by_hand(folder)}"
            )


def _continue(download: Download, part: Path, progress: Progress) -> None:
    """Append to `part` what it lacks, or begin anew where the server cannot go on."""
    have = _size(part)
    if have > download.size:
        os.truncate(part, 0)
        have = 0
    if have == download.size:
        return
    request = urllib.request.Request(download.url, headers={"User-Agent": "analognas"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    response: HTTPResponse
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        goes_on = response.status == HTTPStatus.PARTIAL_CONTENT
        have = have if goes_on else 0
        with part.open("ab" if goes_on else "wb") as file:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                have += len(chunk)
                progress(download.file, have, download.size)
                if have > download.size:
                    return
            file.flush()
            os.fsync(file.fileno())


def _check_room(folder: Path, download: Download, part: Path) -> None:
    needed, free = download.size - _size(part), shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{folder}: {download.file} needs {needed / 1e6:,.0f} MB more, "
            f"the disk has {free / 1e6:,.0f} MB free; make room, or choose another folder with --to"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
