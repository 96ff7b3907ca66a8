"""`analog`: what the controller of a chip must know of the network, without its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from analognas.export.artefact import Artefact, Format
from analognas.export.formats.json_file import require_same_json, write_json

_FILE: Final = "analog.json"


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    write_json(artefact.analog, folder / _FILE)
    return (folder / _FILE,)


def _check(artefact: Artefact, folder: Path) -> str:
    return require_same_json(artefact.analog, folder / _FILE)


ANALOG: Final = Format(
    "analog.json: tile map, input ranges, hardware",
    _write,
    bundled=True,
    needed=True,
    files=(_FILE,),
    keeps="tile map, input ranges, column scales, gains, hardware, cost",
    loses="the weights, and conductances of single chips",
    check=_check,
)
