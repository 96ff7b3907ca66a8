"""`safetensors`: the weights alone, under the layer names of `model.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from analognas.export.artefact import Artefact, Format

_FILE: Final = "model.safetensors"


def write_weights_file(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    """Write model.safetensors, which other formats read, too."""
    from analognas.export.weights import write_weights

    path = folder / _FILE
    write_weights(artefact.model, path)
    return (path,)


def _check(artefact: Artefact, folder: Path) -> str:
    from safetensors.torch import load

    from analognas.export.comparison import require_same_tensors
    from analognas.export.weights import weights_to_write

    # load() copies, while load_file() would keep the file open under another name
    found = load((folder / _FILE).read_bytes())
    return require_same_tensors(_FILE, found, weights_to_write(artefact.model)[0])


SAFETENSORS: Final = Format(
    "model.safetensors: the weights alone",
    write_weights_file,
    bundled=True,
    needed=True,
    files=(_FILE,),
    keeps="every tensor bit for bit, the normalisation of the inputs",
    loses="the order of the layers, which model.py and architecture.json have",
    check=_check,
)
