"""`onnx`: the network for onnxruntime and compilers, with a free batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from analognas.export.artefact import Artefact, Format

_FILE: Final = "model.onnx"


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.onnx_format import require_onnx_layers, write_onnx

    require_onnx_layers(artefact.model)
    write_onnx(artefact.program, folder / _FILE)
    return (folder / _FILE,)


def _check(artefact: Artefact, folder: Path) -> str:
    import torch

    from analognas.export.comparison import require_same_logits
    from analognas.export.onnx_run import has_onnxruntime, onnx_network

    x, logits = artefact.example
    network = onnx_network(folder / _FILE)
    found = torch.cat([network(x[:1]), network(x[1:])])
    said = require_same_logits(_FILE, found, logits)
    return f"{said}, in {'onnxruntime' if has_onnxruntime() else 'the reference evaluator of onnx'}"


ONNX: Final = Format(
    "model.onnx: for onnxruntime and compilers",
    _write,
    bundled=True,
    files=(_FILE,),
    keeps="the computation with its weights, for any batch size",
    loses="names of classes; tiles, noise and drift",
    check=_check,
)
