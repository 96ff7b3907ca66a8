"""Programmed chips in a safetensors file: the network's parameters, every device's state, and the seed."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from hwsim.chips import Chips
from hwsim.conversion import analog_layers
from hwsim.devices import build_device

FORMAT: Final = "hwsim-chips-1"


def save_chips(chips: Chips, path: str | Path) -> None:
    """Write `chips` to a safetensors file."""
    hardware = next(iter(chips.layers.values())).hardware
    tensors = {f"net.{name}": tensor.contiguous() for name, tensor in chips.net.state_dict().items()}
    tensors.update({f"state.{name}": tensor.contiguous() for name, tensor in chips.state.items()})
    metadata = {
        "format": FORMAT,
        "seed": str(chips.seed),
        "layers": json.dumps({name: list(layer.weight.shape) for name, layer in chips.layers.items()}),
        "hardware": hardware.model_dump_json(),
    }
    save_file(_distinct(tensors), str(path), metadata)


def load_chips(net: nn.Module, path: str | Path) -> Chips:
    """Return the chips of a file.

    Args:
        net: an analog network of the architecture and hardware that was programmed; it stays as it is.
        path: what `save_chips` wrote.

    Raises:
        ValueError: for a file of another kind, or another architecture or hardware.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except SafetensorError as error:
        raise ValueError(f"{path}: must be a safetensors file of chips: {error}") from error
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path}: `format` must be {FORMAT}, got {metadata.get('format')!r}")
    layers = dict(analog_layers(net))
    shapes = {name: list(layer.weight.shape) for name, layer in layers.items()}
    if shapes != json.loads(metadata["layers"]):
        raise ValueError(f"{path}: layers must be {metadata['layers']}, got {json.dumps(shapes)}")
    hardware = next(iter(layers.values())).hardware
    if hardware.model_dump_json() != metadata["hardware"]:
        raise ValueError(f"{path}: hardware must be {metadata['hardware']}, got {hardware.model_dump_json()}")
    net = copy.deepcopy(net).eval().requires_grad_(False)
    net.load_state_dict(_part(tensors, "net."))
    return Chips(net, build_device(hardware.device), int(metadata["seed"]), _part(tensors, "state."))


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _distinct(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copy tensors that share memory, which the format does not allow."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        result[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return result
