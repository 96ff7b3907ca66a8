"""Programmed chips in a safetensors file: the network's parameters, every device's state, and the seed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from hwsim.arguments import require, whole
from hwsim.chips import Chips
from hwsim.conversion import copied, require_analog, tensors_of
from hwsim.devices import Device, DeviceState
from hwsim.hardware_record import recorded, recorded_hardware, require_recorded

FORMAT: Final = "hwsim-chips-1"


def save_chips(chips: Chips, path: str | Path) -> None:
    """Write `chips` to a safetensors file.

    Raises:
        ValueError: for a path that cannot be written to, or chips of a device object, which no file describes.
        TypeError: for an argument of another type.
    """
    path = _checked_path(path)
    require(chips, Chips, "`chips` must be hwsim.Chips", "call hwsim.program(net, n) first")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"`path` must lie in a folder that exists, got {path}: create {path.parent} first")
    if chips.own_device:
        raise ValueError(
            f"`chips` must have the device of their hardware to be saved, got {type(chips.device).__name__}: "
            "offer it as an entry point in the group `hwsim.devices`"
        )
    tensors = {f"net.{name}": tensor.contiguous() for name, tensor in tensors_of(chips.net).items()}
    tensors.update({f"state.{name}": tensor.contiguous() for name, tensor in chips.state.items()})
    metadata = {
        "format": FORMAT,
        "seed": str(chips.seed),
        "first": str(chips.first),
        "layers": json.dumps({name: list(layer.weight.shape) for name, layer in chips.layers.items()}),
        **recorded(chips.layers),
    }
    try:
        save_file(_distinct(tensors), str(path), metadata)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"`path` must be a file that can be written, got {path}: {error}") from None


def load_chips(net: nn.Module, path: str | Path) -> Chips:
    """Return the chips of a file.

    Args:
        net: an analog network of the architecture and hardware that was programmed; it stays as it is.
        path: what `save_chips` wrote.

    Raises:
        ValueError: for a file that is missing, incomplete or of another kind, or another architecture or
            hardware.
        TypeError: for an argument of another type.
    """
    path, layers = _checked_path(path), require_analog(net)
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path}: must be a safetensors file of chips: {error}") from error
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path}: `format` must be {FORMAT}, got {metadata.get('format')!r}")
    try:
        seed, first = int(metadata["seed"]), whole("first", int(metadata.get("first", "0")), least=0)
        stored_shapes = json.loads(metadata["layers"])
        require(stored_shapes, dict, "`layers` must be a mapping")
        stored = recorded_hardware(metadata)
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"]
        raise ValueError(f"{path}: must hold `hardware` of chips, got what is none: {said}") from None
    except (KeyError, ValueError, TypeError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise ValueError(f"{path}: must hold `seed`, `layers` and `hardware` of chips, got {said}") from None
    shapes = {name: list(layer.weight.shape) for name, layer in layers.items()}
    if list(shapes.items()) != list(stored_shapes.items()):  # the devices lie one layer after the other
        raise ValueError(
            f"`net` must have the layers of the chips in {path}: {_first_difference(shapes, stored_shapes)}"
        )
    require_recorded(path, layers, stored)
    hardware = next(iter(layers.values())).hardware
    state, device = _part(tensors, "state."), hardware.device.build()
    _check_state(path, state, device, sum(layer.weight.numel() for layer in layers.values()))
    parameters = _part(tensors, "net.")
    _check_finite(path, "parameters of the network", parameters)
    net = copied("net", net).eval().requires_grad_(False)
    try:
        net.load_state_dict({**_extra_state(net), **parameters})
    except RuntimeError as error:  # digital layers that differ
        said = "; ".join(line.strip() for line in str(error).splitlines()[1:])
        raise ValueError(f"{path}: `net` must be the network that was programmed: {said}") from None
    return Chips(net, device, seed, state, first)


def _first_difference(found: dict[str, list[int]], wanted: dict[str, list[int]]) -> str:
    """Return the first layer in which two networks differ."""
    for name, shape in wanted.items():
        if found.get(name) != shape:
            return f"`{name}` is {shape} there and {found.get(name, 'missing')} here"
    if set(found) == set(wanted):
        return f"their order is {', '.join(wanted)} there and {', '.join(found)} here"
    return f"`{next(name for name in found if name not in wanted)}` is not there"


def _check_state(path: Path, state: DeviceState, device: Device, n_weights: int) -> None:
    """Raise ValueError unless `state` is that of both devices of each weight."""
    wanted = set(device.program(torch.full((1,), device.g_min_us, dtype=torch.float32), torch.Generator()))
    chips = {tensor.shape[0] if tensor.ndim else 0 for tensor in state.values()}
    is_whole = all(
        tuple(tensor.shape[1:]) == (2, n_weights) and tensor.dtype == torch.float32
        for tensor in state.values()
    )
    if set(state) != wanted or len(chips) != 1 or 0 in chips or not is_whole:
        found = ", ".join(
            f"{name} {tuple(tensor.shape)} {tensor.dtype}" for name, tensor in sorted(state.items())
        )
        names = ", ".join(sorted(wanted))
        raise ValueError(
            f"{path}: state must be {names}, each `(chips, 2, {n_weights})` float32, got {found or 'none'}"
        )
    _check_finite(path, "state", state)
    if float(state["g_us"].min()) < 0:
        raise ValueError(f"{path}: `g_us >= 0` must hold, got {float(state['g_us'].min()):g}")


def _check_finite(path: Path, what: str, tensors: dict[str, torch.Tensor]) -> None:
    broken = sorted(name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all()))
    if broken:
        raise ValueError(f"{path}: {what} must be finite, got NaN or infinity in {', '.join(broken)}")


def _extra_state(net: nn.Module) -> dict[str, object]:
    """Return what modules add to their state that is no tensor, and no file holds."""
    return {name: value for name, value in net.state_dict().items() if not isinstance(value, torch.Tensor)}


def _checked_path(path: object) -> Path:
    require(path, (str, os.PathLike), "`path` must name a file")
    assert isinstance(path, str | os.PathLike)
    return Path(path)


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _distinct(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copy tensors that share memory, which the format does not allow."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        memory = tensor.untyped_storage().data_ptr()
        result[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return result
