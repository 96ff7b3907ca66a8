"""The formats a network can be taken away in, by the names of `analognas export --format`.

Every writer takes the same `Artefact` and a folder, writes its files there, and returns their paths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from analognas.export.artefact import Artefact, Format


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write indented JSON.

    Raises:
        ValueError: for NaN and infinity, which JSON does not have.
        TypeError: for what is not JSON-able.
    """
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _python(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.python_source import python_source

    path = folder / "model.py"
    path.write_text(python_source(artefact.model, artefact.description), encoding="utf-8")
    return (path, *_safetensors(artefact, folder))


def _safetensors(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.weights import write_weights

    path = folder / "model.safetensors"
    write_weights(artefact.model, path)
    return (path,)


def _onnx(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.onnx_format import write_onnx

    path = folder / "model.onnx"
    write_onnx(artefact.program, path)
    return (path,)


def _pt2(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.exported_program import write_program

    path = folder / "model.pt2"
    write_program(artefact.program, path)
    return (path,)


def _analog(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    path = folder / "analog.json"
    write_json(artefact.analog, path)
    return (path,)


def _architecture(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    path = folder / "architecture.json"
    write_json(artefact.architecture, path)
    return (path,)


def _test_data(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.weights import write_test_data

    if artefact.split is None:
        raise ValueError("the format `test-data` needs the inputs and labels of a split, got none")
    path = folder / "test-data.safetensors"
    write_test_data(*artefact.split, path)
    return (path,)


FORMATS: Final[Mapping[str, Format]] = {
    "python": Format(
        "model.py and its weights: plain torch, every layer spelled out",
        _python,
        bundled=True,
        files=("model.py", "model.safetensors"),
    ),
    "safetensors": Format(
        "model.safetensors: the weights alone", _safetensors, bundled=True, files=("model.safetensors",)
    ),
    "onnx": Format("model.onnx: for onnxruntime and compilers", _onnx, bundled=True, files=("model.onnx",)),
    "pt2": Format("model.pt2: a torch.export program", _pt2, bundled=True, files=("model.pt2",)),
    "analog": Format(
        "analog.json: tile map, input ranges, hardware", _analog, bundled=True, files=("analog.json",)
    ),
    "architecture": Format(
        "architecture.json: the candidate, to validate or to search from",
        _architecture,
        bundled=True,
        files=("architecture.json",),
    ),
    "test-data": Format(
        "test-data.safetensors: raw inputs `x` and labels `y`, for `python model.py`",
        _test_data,
        of_network=False,
        files=("test-data.safetensors",),
    ),
}
"""The formats, in the order of lists."""
