"""Programmed chips in a safetensors file: the network's parameters, every device's state, and the seed.

States are written and read chip by chip, because those of all chips of a large network would not fit in memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from hwsim.adc_gain import require_one_gain, require_tied, sharing
from hwsim.arguments import require, whole
from hwsim.chip_states import Moved
from hwsim.chips import Chips
from hwsim.conversion import copied, require_analog, tensors_of
from hwsim.devices import Device, DeviceState
from hwsim.faults import STUCK, Faulty
from hwsim.hardware_record import recorded, recorded_hardware, require_recorded
from hwsim.saved_chips import checked_path, must_hold, replacing, require_described

FORMAT: Final = "hwsim-chips-1"


def save_chips(chips: Chips, path: str | Path) -> None:
    """Write `chips` to a safetensors file; one that is there is replaced once the new one is complete.

    Raises:
        ValueError: for a path that cannot be written to, chips of a device object, which no file describes, or chips
            with several ADC gains where their hardware has one.
        TypeError: for an argument of another type.
    """
    path = checked_path(path)
    require_described(chips)
    require_tied(chips.layers)
    tensors = {f"net.{name}": tensor.contiguous() for name, tensor in tensors_of(chips.net).items()}
    metadata = {
        "format": FORMAT,
        "seed": str(chips.seed),
        "first": str(chips.first),
        "layers": json.dumps({name: list(layer.weight.shape) for name, layer in chips.layers.items()}),
        **recorded(chips.layers),
    }
    with replacing(path) as file:
        _write(file, save(_distinct(tensors), metadata), chips)


def load_chips(net: nn.Module, path: str | Path) -> Chips:
    """Return the chips of a file, which is read whenever a chip is asked for: it must stay where it is.

    Args:
        net: an analog network of the architecture and hardware that was programmed; it stays as it is.
        path: what `save_chips` wrote.

    Raises:
        ValueError: for a file that is missing, incomplete or of another kind, or another architecture or
            hardware.
        TypeError: for an argument of another type.
    """
    path, layers = checked_path(path), require_analog(net)
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            names = list(file.keys())
            parameters = {
                name.removeprefix("net."): file.get_tensor(name).clone()
                for name in names
                if name.startswith("net.")
            }
            described = {
                name.removeprefix("state."): _described(file.get_slice(name))
                for name in names
                if name.startswith("state.")
            }
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path}: must be a safetensors file of chips: {error}") from error
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path}: `format` must be {FORMAT}, got {metadata.get('format')!r}")
    with must_hold(path, "`seed`, `layers` and `hardware` of chips"):
        seed, first = int(metadata["seed"]), whole("first", int(metadata.get("first", "0")), least=0)
        stored_shapes = json.loads(metadata["layers"])
        require(stored_shapes, dict, "`layers` must be a mapping")
        stored = recorded_hardware(metadata)
    shapes = {name: list(layer.weight.shape) for name, layer in layers.items()}
    if list(shapes.items()) != list(stored_shapes.items()):  # the devices lie one layer after the other
        raise ValueError(
            f"`net` must have the layers of the chips in {path}: {_first_difference(shapes, stored_shapes)}"
        )
    require_recorded(path, layers, stored)
    hardware = next(iter(layers.values())).hardware
    device = hardware.build_device()
    if STUCK in described and not isinstance(device, Faulty):  # of a map, which is in the states
        device = Faulty(device)
    n = _check_state(path, described, device, sum(layer.weight.numel() for layer in layers.values()))
    source = StoredStates(path.absolute(), tuple(described), _identity(path))
    for chip in range(n):
        _check_values(path, source.state_of(chip))
    _check_finite(path, "parameters of the network", parameters)
    net = copied("net", net).eval().requires_grad_(False)
    bounds = {name: parameters.get(f"{name}.out_bound".lstrip(".")) for name in sharing(layers)}
    require_one_gain({name: None if one is None else float(one) for name, one in bounds.items()}, str(path))
    try:
        net.load_state_dict({**_extra_state(net), **parameters})
    except RuntimeError as error:  # digital layers that differ
        said = "; ".join(line.strip() for line in str(error).splitlines()[1:])
        raise ValueError(f"{path}: `net` must be the network that was programmed: {said}") from None
    moved = Moved(source, next(iter(layers.values())).weight.device)
    return Chips(net, device, seed, moved, n, first)


@final
@dataclass(frozen=True)
class StoredStates:
    """The states of the chips in a file.

    Attributes:
        path: the file, absolute.
        names: names of the tensors of a state.
        identity: what tells the file from another at the same place.
    """

    path: Path
    names: tuple[str, ...]
    identity: tuple[int, ...]

    def state_of(self, chip: int) -> DeviceState:
        """Return the state of the `chip`-th chip of the file.

        Raises:
            ValueError: for a file that is not there any more, or has changed.
        """
        try:
            if _identity(self.path) != self.identity:
                raise ValueError(f"{self.path}: must stay as it is while its chips are used: load them again")
            with safe_open(str(self.path), framework="pt") as file:
                return {
                    name: file.get_slice(f"state.{name}")[chip : chip + 1][0].clone() for name in self.names
                }
        except (OSError, SafetensorError) as error:
            raise ValueError(
                f"{self.path}: must stay where it is while its chips are used: {error}"
            ) from error


def _identity(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _described(tensor: Any) -> tuple[tuple[int, ...], str]:
    """Return shape and type of a tensor in a file; safetensors gives the slice no static type."""
    return tuple(tensor.get_shape()), str(tensor.get_dtype())


def _write(file: IO[bytes], network: bytes, chips: Chips) -> None:
    """Write the states of `chips`, one after the other, and the network, which `save` has made a file of already.

    safetensors itself wants all tensors in memory. Its format is the length of a JSON header, the header, which gives
    each tensor's place, and the tensors. States come first: they keep the others' places aligned.
    """
    states = {name: tensor.shape for name, tensor in sorted(chips.state_of(0).items())}
    length = int.from_bytes(network[:8], "little")
    header, start, places = json.loads(network[8 : 8 + length]), 0, {}
    for name, shape in states.items():
        end = start + len(chips) * shape.numel() * 4
        places[name] = start
        header[f"state.{name}"] = {
            "dtype": "F32",
            "shape": [len(chips), *shape],
            "data_offsets": [start, end],
        }
        start = end
    for name, entry in header.items():
        if name.startswith("net."):
            entry["data_offsets"] = [start + offset for offset in entry["data_offsets"]]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    body = file.tell()
    for chip in range(len(chips)):
        _write_state(
            file,
            chips.state_of(chip),
            {name: body + place + chip * states[name].numel() * 4 for name, place in places.items()},
        )
    file.seek(body + start)
    file.write(network[8 + length :])


def _write_state(file: IO[bytes], state: DeviceState, places: dict[str, int]) -> None:
    for name, tensor in state.items():
        file.seek(places[name])
        file.write(tensor.cpu().contiguous().numpy().astype("<f4", copy=False).data)


def _first_difference(found: dict[str, list[int]], wanted: dict[str, list[int]]) -> str:
    """Return the first layer in which two networks differ."""
    for name, shape in wanted.items():
        if found.get(name) != shape:
            return f"`{name}` is {shape} there and {found.get(name, 'missing')} here"
    if set(found) == set(wanted):
        return f"their order is {', '.join(wanted)} there and {', '.join(found)} here"
    return f"`{next(name for name in found if name not in wanted)}` is not there"


def _check_state(
    path: Path, described: dict[str, tuple[tuple[int, ...], str]], device: Device, n_weights: int
) -> int:
    """Return the number of chips.

    Raises:
        ValueError: unless the tensors are the state of both devices of each weight.
    """
    wanted = set(device.program(torch.full((1,), device.g_min_us, dtype=torch.float32), torch.Generator()))
    chips = {shape[0] if shape else 0 for shape, _ in described.values()}
    is_whole = all(shape[1:] == (2, n_weights) and kind == "F32" for shape, kind in described.values())
    if set(described) != wanted or len(chips) != 1 or 0 in chips or not is_whole:
        found = ", ".join(f"{name} {shape} {kind}" for name, (shape, kind) in sorted(described.items()))
        names = ", ".join(sorted(wanted))
        raise ValueError(
            f"{path}: state must be {names}, each `(chips, 2, {n_weights})` float32, got {found or 'no state'}"
        )
    return chips.pop()


def _check_values(path: Path, state: DeviceState) -> None:
    """Raise ValueError unless the state of a chip is finite, and no conductance negative."""
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


def _distinct(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copy tensors that share memory, which the format does not allow."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        memory = tensor.untyped_storage().data_ptr()
        result[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return result
