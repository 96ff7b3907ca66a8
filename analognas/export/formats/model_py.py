"""`model.py`: the network as plain torch, every layer spelled out, and its weights beside it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Final

from analognas.export.artefact import Artefact, Format
from analognas.export.formats.safetensors_file import write_weights_file

_FILE: Final = "model.py"


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.python_source import python_source

    path = folder / _FILE
    path.write_text(python_source(artefact.model, artefact.description), encoding="utf-8")
    return (path, *write_weights_file(artefact, folder))


def _check(artefact: Artefact, folder: Path) -> str:
    import torch

    from analognas.export.comparison import require_same_logits

    x, logits = artefact.example
    with torch.no_grad():
        found = imported(folder / _FILE).load()(x)
    return require_same_logits(_FILE, found, logits)


def imported(path: Path) -> ModuleType:
    """Return the module of a file that was just written, without an entry in `sys.modules` or a cache on disk."""
    spec = importlib.util.spec_from_file_location(f"exported_{path.stem}", path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
    return module


MODEL_PY: Final = Format(
    "model.py and its weights: plain torch, every layer spelled out",
    _write,
    bundled=True,
    files=(_FILE, "model.safetensors"),
    keeps="every layer, the weights, the normalisation of the inputs, the names of the classes",
    loses="tiles, noise and drift",
    check=_check,
)
