"""`test-data`: raw inputs and labels of the test split, which check an exported network."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from analognas.export.artefact import Artefact, Format
from analognas.export.error import ExportError

_FILE: Final = "test-data.safetensors"


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.weights import write_test_data

    if artefact.split is None:
        raise ExportError("the format `test-data` needs the inputs and labels of a split, got none")
    path = folder / _FILE
    write_test_data(*artefact.split, path)
    return (path,)


def _check(artefact: Artefact, folder: Path) -> str:
    import torch
    from safetensors.torch import load

    from analognas.export.comparison import require_same_tensors

    assert artefact.split is not None
    x, y = artefact.split
    expected = {"x": x.to("cpu", torch.float32), "y": y.to("cpu", torch.int64)}
    return require_same_tensors(_FILE, load((folder / _FILE).read_bytes()), expected)


TEST_DATA: Final = Format(
    "test-data.safetensors: raw inputs `x` and labels `y`, for `python model.py`",
    _write,
    by_default=False,
    files=(_FILE,),
    keeps="inputs as float32, labels as int64",
    loses="the training and validation splits",
    check=_check,
)
