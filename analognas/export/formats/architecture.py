"""`json`: the candidate in the literature's symbols, and all that is needed to train and judge it again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from analognas.export.artefact import Artefact, Format
from analognas.export.formats.json_file import require_same_json, write_json

_FILE: Final = "architecture.json"


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    write_json(artefact.architecture, folder / _FILE)
    return (folder / _FILE,)


def _check(artefact: Artefact, folder: Path) -> str:
    return require_same_json(artefact.architecture, folder / _FILE)


ARCHITECTURE: Final = Format(
    "architecture.json: the candidate, to validate or to search from",
    _write,
    bundled=True,
    needed=True,
    files=(_FILE,),
    keeps="the candidate, its space, data, training, hardware and seeds",
    loses="the weights",
    check=_check,
)
