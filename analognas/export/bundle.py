"""The folder `best/` of a run: one network in every format, and its figures.

The folder appears whole or not at all. Everything is written into a hidden folder beside it and forced to
the disk; then one rename puts it in place. An earlier bundle is moved aside for that instant and deleted
afterwards.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from analognas.errors import UserError
from analognas.export.checksums import write_checksums
from analognas.export.error import ExportError
from analognas.export.formats import FORMATS, Artefact
from analognas.record.validation import FinalResult

BUNDLED: Final = ("architecture", "analog", "python", "onnx", "pt2")
"""The formats of a bundle; `python` writes the weights too."""


def write_bundle(folder: Path, artefact: Artefact, result: FinalResult) -> Mapping[str, str]:
    """Write a network in the formats `BUNDLED`, its weights, their checksums, and its figures as metrics.json.

    A network that one format cannot express is still written in the others: its weights always are.

    Args:
        folder: where the bundle shall be; its parent must exist. An earlier bundle there is replaced.
        artefact: the network.
        result: becomes metrics.json.

    Returns:
        Why a format is missing, by its name; empty when the bundle is complete.

    Raises:
        UserError: when `folder` is a file or a symbolic link.
        ValueError: when a content has no JSON form.
        OSError: when the folder cannot be written; an earlier bundle is then still there.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"{folder} must be a folder or absent; it is a file or a symbolic link, remove it")
    draft = _new_sibling(folder)
    try:
        missing = _write(draft, artefact, result)
        _force_to_disk(draft)
        _put_in_place(draft, folder)
    finally:
        # also what a killed process left behind
        for leftover in folder.parent.glob(_sibling_name(folder, "*")):
            shutil.rmtree(leftover, ignore_errors=True)
    return MappingProxyType(missing)


def _write(draft: Path, artefact: Artefact, result: FinalResult) -> dict[str, str]:
    missing = {}
    for name in BUNDLED:
        try:
            FORMATS[name].write(artefact, draft)
        except ExportError as error:
            missing[name] = str(error)
    if "python" in missing:
        FORMATS["safetensors"].write(artefact, draft)
    write_checksums(draft)
    (draft / "metrics.json").write_text(result.to_json() + "\n", encoding="utf-8")
    return missing


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
    _force(folder.parent)


def _force_to_disk(folder: Path) -> None:
    for path in folder.iterdir():
        _force(path)
    _force(folder)


def _force(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _new_sibling(folder: Path) -> Path:
    """Return a new, empty, hidden folder on the same disk; `tempfile` would close it to other users."""
    sibling = folder.parent / _sibling_name(folder, secrets.token_hex(6))
    sibling.mkdir()
    return sibling


def _sibling_name(folder: Path, ending: str) -> str:
    return f".{folder.name}.unfinished-{ending}"
