"""`onnx-int8`: the network with weights and activations of 8 bits, the digital baseline of an analog chip.

Weights are symmetric with one scale a channel; activations are affine, their ranges those of training inputs. The
accuracy on the test split is measured and recorded beside the file.

References:
    Jacob et al., Quantization and training of neural networks for efficient integer-arithmetic-only inference,
    CVPR 2018, arXiv 1712.05877.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from analognas.export.artefact import Artefact, Format, Requirement
from analognas.export.error import ExportError
from analognas.export.formats.json_file import write_json

if TYPE_CHECKING:
    from torch import Tensor

_FILE: Final = "model-int8.onnx"
_FIGURES: Final = "model-int8.json"
BATCH: Final = 64
"""Inputs of a batch, of calibration and of the measurement."""


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.onnx_format import require_onnx_layers, write_onnx

    if artefact.calibration is None:
        raise ExportError("the format `onnx-int8` needs training inputs to calibrate ranges on, got none")
    with TemporaryDirectory() as outside:
        as_float = Path(outside) / "model.onnx"
        require_onnx_layers(artefact.model)
        write_onnx(artefact.program, as_float)
        _quantise(as_float, folder / _FILE, artefact.calibration)
        write_json(_figures(artefact, as_float, folder / _FILE), folder / _FIGURES)
    return (folder / _FILE, folder / _FIGURES)


def _quantise(source: Path, target: Path, inputs: Tensor) -> None:
    """Write the ONNX file `target` with the weights and activations of `source` in 8 bits."""
    import torch
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quant_pre_process,
        quantize_static,
    )

    class Batches(CalibrationDataReader):  # type: ignore[misc]  # untyped
        def __init__(self) -> None:
            self.batches: Iterator[Tensor] = iter(torch.split(inputs.detach().cpu().float(), BATCH))

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"x": batch.numpy()}

    # the quantiser says on the root logger what it recommends
    level, root = logging.getLogger().level, logging.getLogger()
    try:
        root.setLevel(logging.ERROR)
        with warnings.catch_warnings(), TemporaryDirectory() as outside:
            warnings.simplefilter("ignore")
            prepared = Path(outside) / "prepared.onnx"
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared),
                str(target),
                Batches(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
    finally:
        root.setLevel(level)


def _figures(artefact: Artefact, as_float: Path, quantised: Path) -> dict[str, Any]:
    """Return the accuracy of both files on the test split, and what ranges were calibrated on."""
    assert artefact.calibration is not None
    figures: dict[str, Any] = {
        "weight_bits": 8,
        "activation_bits": 8,
        "calibration_inputs": len(artefact.calibration),
    }
    if artefact.split is not None:
        figures |= {
            "test_inputs": len(artefact.split[1]),
            "test_accuracy": _accuracy(quantised, artefact.split),
            "test_accuracy_float": _accuracy(as_float, artefact.split),
        }
    return figures


def _accuracy(path: Path, split: tuple[Tensor, Tensor]) -> float:
    """Return the share of labels that a file finds."""
    import torch

    from analognas.export.onnx_run import onnx_network

    network, (x, y) = onnx_network(path), split
    hits = sum(
        int((network(inputs.cpu().float()).argmax(1) == labels.cpu()).count_nonzero())
        for inputs, labels in zip(torch.split(x, BATCH), torch.split(y, BATCH), strict=True)
    )
    return hits / y.numel()


def _check(artefact: Artefact, folder: Path) -> str:
    import onnx

    from analognas.export.onnx_run import onnx_network

    kinds = {node.op_type for node in onnx.load(folder / _FILE).graph.node}
    if "QuantizeLinear" not in kinds and "DequantizeLinear" not in kinds:
        raise ExportError(
            f"{_FILE} must have quantised operations, got none: the network has no layer to quantise"
        )
    x, logits = artefact.example
    found = onnx_network(folder / _FILE)(x)
    if found.shape != logits.shape or not bool(found.isfinite().all()):
        raise ExportError(f"{_FILE} must give finite logits {tuple(logits.shape)}, gave {tuple(found.shape)}")
    largest = float((found - logits).abs().max())
    said = f"logits of {len(x)} inputs differ by at most {largest:.1g} from float"
    figures = json.loads((folder / _FIGURES).read_text(encoding="utf-8"))
    if artefact.split is None:
        return said
    return (
        f"{said}; test accuracy {100 * figures['test_accuracy']:.2f} %, in float "
        f"{100 * figures['test_accuracy_float']:.2f} %"
    )


ONNX_INT8: Final = Format(
    "model-int8.onnx: weights and activations of 8 bits for onnxruntime, its accuracy beside it",
    _write,
    by_default=False,
    files=(_FILE, _FIGURES),
    keeps="the computation in 8 bits, for any batch size",
    loses="resolution of weights and activations; tiles, noise and drift",
    check=_check,
    needs=Requirement("onnxruntime", 'pip install "analognas[onnxruntime]"'),
)
