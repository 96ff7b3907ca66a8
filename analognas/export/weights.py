"""The tensors of a network, and the inputs to try it on, as safetensors files.

safetensors holds names, shapes and numbers, and nothing that could run.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from analognas.export.error import ExportError
from analognas.export.flat_graph import exported_state
from analognas.export.standardised import Standardised


def write_weights(model: Standardised, path: Path) -> None:
    """Write `model.safetensors`.

    The names are those of the exported `model.py`. A network that cannot be traced has no such file: then
    they are those of its own `state_dict`, so that the trained weights are never lost. The file's metadata
    say which: `names` is `model.py` or `state_dict`.
    """
    state, names = weights_to_write(model)
    # save_file() would make the file readable by its owner alone; of several metadata it writes no fixed order
    path.write_bytes(save(state, metadata={"names": names}))


def weights_to_write(model: Standardised) -> tuple[dict[str, Tensor], str]:
    """Return the tensors of `model.safetensors`, and whose names they have: `model.py` or `state_dict`."""
    try:
        return exported_state(model), "model.py"
    except ExportError:
        return _own_state(model), "state_dict"


def write_test_data(x: Tensor, y: Tensor, path: Path) -> None:
    """Write raw inputs `x` `(n, *input_shape)` as float32 and labels `y` `(n,)`, or `(n, steps)`, as int64.

    Raises:
        ValueError: when the two do not belong together.
    """
    if y.ndim not in (1, 2) or len(x) != len(y):
        raise ValueError(
            f"`y` must be one label an input, or one a step, got {tuple(y.shape)} for inputs {tuple(x.shape)}"
        )
    tensors = {"x": x.to("cpu", torch.float32), "y": y.to("cpu", torch.int64)}
    path.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def _own_state(model: Standardised) -> dict[str, Tensor]:
    """Return mean, std and the network's own state, as copies that share no memory."""
    state = {"mean": model.mean, "std": model.std, **model.network.state_dict(prefix="network.")}
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in state.items()}
