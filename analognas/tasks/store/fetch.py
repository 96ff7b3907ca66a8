"""Downloads the files of a data set: resumed where a download broke off, checked, and put in place in one step.

What has arrived so far is kept as `FILE.part`. A server that honours the Range header goes on after it, any other
starts again. A file appears under its own name only after its SHA-256 was right. One process at a time fetches a file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO, Final

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
        progress: called as bytes arrive.

    Returns:
        The files.

    Raises:
        UserError: without a connection, when a server refuses, when a checksum is wrong, and when the disk is full or
            cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(_fetch_file(source, download, folder, progress) for download in source.downloads)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from None


def _fetch_file(source: Source, download: Download, folder: Path, progress: Progress) -> Path:
    target, part = folder / download.file, folder / f"{download.file}.part"
    if target.exists():
        if _sha256(target) != download.sha256:
            raise UserError(f"{target}: is there already with another content; remove it and fetch again")
        progress(download.file, download.size, download.size)
        return target
    try:
        with part.open("ab") as file:
            _lock(file, part)
            _download(source, download, file, folder, progress)
        found = _sha256(part)
        if found != download.sha256:
            part.unlink()
            raise UserError(
                f"{download.url}: the file has the SHA-256 {found[:12]}…, expected {download.sha256[:12]}…; "
                "it was removed, fetch it again or ask its owner what changed"
            )
        part.replace(target)
    finally:
        if part.exists() and not part.stat().st_size:
            part.unlink()
    return target


def _lock(file: BinaryIO, part: Path) -> None:
    """Keep other processes from the file until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"{part}: another process is fetching this file; wait for it, or stop it") from None


def _download(source: Source, download: Download, file: BinaryIO, folder: Path, progress: Progress) -> None:
    """Append to `file` what it lacks, in several attempts."""
    reason = ""
    for _ in range(ATTEMPTS):
        if file.tell() < download.size:
            reason = _continue(download, file, progress)
    if file.tell() < download.size:
        kept = f"{file.tell():,} bytes are kept, the same command goes on; " if file.tell() else ""
        raise UserError(
            f"{download.url}: cannot be downloaded ({reason}); {kept}"
            f"without a connection, {source.by_hand(folder)}"
        )
    file.flush()
    os.fsync(file.fileno())


def _continue(download: Download, file: BinaryIO, progress: Progress) -> str:
    """Append what one connection gives, from the start where the server cannot go on; return why it ended."""
    headers = {"User-Agent": "analognas"}
    if file.tell():
        headers["Range"] = f"bytes={file.tell()}-"
    request = urllib.request.Request(download.url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                file.truncate(0)
                file.seek(0)
            while chunk := response.read(CHUNK):
                file.write(chunk)
                progress(download.file, file.tell(), download.size)
    except urllib.error.HTTPError as error:
        return f"the server answered {error.code} {error.reason}"
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        return str(getattr(error, "reason", None) or error or type(error).__name__)
    return f"the connection ended after {file.tell():,} of {download.size:,} bytes"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
