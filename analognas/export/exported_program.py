"""A network as a torch.export program (`model.pt2`), which runs without the Python classes it was made from.

The batch size is free. Read it with `torch.export.load(path).module()(x)`; only from a source that you
trust, since that reader may unpickle parts of the file.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import torch
from torch.export import Dim, ExportedProgram

from analognas.export.error import ExportError
from analognas.export.standardised import Standardised


def exported_program(model: Standardised) -> ExportedProgram:
    """Return the program of `model` in evaluation mode; `model`'s own mode is kept.

    Raises:
        ExportError: when torch.export cannot follow the network, or its output depends on the batch size.
    """
    modes = {module: module.training for module in model.modules()}
    # an example batch of 1 would make torch.export take the batch size for a constant
    example = torch.zeros(2, *model.input_shape, device=model.mean.device)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(model.eval(), (example,), dynamic_shapes=({0: Dim("batch")},))
    except Exception as error:  # torch.export raises errors of many private types
        reason = str(error).strip().split("\n")[0]
        raise ExportError(
            f"torch.export cannot follow {type(model.network).__name__}: {reason}. Its `forward` must not "
            "depend on the values of its input, and must work for every batch size"
        ) from error
    finally:
        for module, training in modes.items():
            module.training = training


def write_program(program: ExportedProgram, path: Path) -> None:
    """Write a program as a `.pt2` file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        torch.export.save(program, buffer)  # on a full disk torch's own file writer ends the whole process
    path.write_bytes(buffer.getvalue())
