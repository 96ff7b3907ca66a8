"""A folder that appears whole or not at all, and in which nothing is that was there before.

Everything is written into a hidden folder beside it; then one rename puts it in place. An earlier folder is moved aside
for that instant and deleted afterwards, with the symbolic links that somebody may have put into it: nothing is written
through them.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from analognas.errors import UserError

T = TypeVar("T")


def write_folder(folder: Path, write: Callable[[Path], T]) -> T:
    """Let `write` fill a new folder, put it in the place of `folder`, and return what `write` does.

    Raises:
        UserError: when `folder` is a file or a symbolic link.
        OSError: when the folder cannot be written; an earlier one is then still there.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"{folder} must be a folder or absent; it is a file or a symbolic link, remove it")
    draft = _new_sibling(folder)
    try:
        written = write(draft)
        _put_in_place(draft, folder)
    finally:
        # also what a killed process left behind
        for leftover in folder.parent.glob(_sibling_name(folder, "*")):
            shutil.rmtree(leftover, ignore_errors=True)
    return written


def _put_in_place(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.rename(folder)
    else:
        retired = _new_sibling(folder)
        # rename() replaces a folder only where that one is empty, as `retired` is
        folder.rename(retired)
        try:
            draft.rename(folder)
        except OSError:
            retired.rename(folder)
            raise
        shutil.rmtree(retired)


def _new_sibling(folder: Path) -> Path:
    """Return a new, empty, hidden folder on the same disk; `tempfile` would close it to other users."""
    sibling = folder.parent / _sibling_name(folder, secrets.token_hex(6))
    sibling.mkdir()
    return sibling


def _sibling_name(folder: Path, ending: str) -> str:
    return f".{folder.name}.unfinished-{ending}"
