"""A network in the Open Neural Network Exchange format (`model.onnx`).

Input `x`: raw inputs, float32, `(batch, *input_shape)` with a free batch size. Output `logits`: `(batch,
classes)`. The weights are inside the file, whatever their size.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from analognas.export.error import ExportError


def require_onnx_layers(network: nn.Module) -> None:
    """Raise ExportError for a layer whose ONNX file would compute something else."""
    for name, layer in network.named_modules():
        if isinstance(layer, nn.LSTM) and layer.proj_size:
            raise ExportError(
                f"ONNX has no LSTM with a projection, and `{name}` has one: use pt2 or model.py, or search with "
                "`projections: [1]`"
            )


def write_onnx(program: ExportedProgram, path: Path) -> None:
    """Write the program of a `Standardised` network as ONNX, without a word on the terminal.

    Raises:
        ExportError: when an operation of the network has no counterpart in ONNX.
    """
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                program,
                f=path,
                input_names=["x"],
                output_names=["logits"],
                dynamic_shapes=({0: Dim("batch")},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error).strip().split("\n")[0]
        raise ExportError(f"the network has an operation that ONNX lacks: {reason}") from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
