"""Conductances of chips as one matrix a tile, in a safetensors file: all that is needed to program a chip.

For each tile: `LAYER/TILE/target_us` `(2, rows, columns)`, what its devices shall conduct, g⁺ first, and
`LAYER/TILE/g_us` `(chips, 2, rows, columns)`, what programming left in the devices of each chip, both float32, µS.
Chips that were programmed with a map of faults have `LAYER/TILE/stuck_us` as well: where a device is stuck, -1 for one
that works.
The metadata entry `description` is JSON: geometry of the tiles, input ranges, column scales, hardware.

A file that is read gives chips with these conductances, measured ones as well: drift and fluctuations are what the
device model draws for their targets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from hwsim.analog_file import take_up
from hwsim.arguments import require, whole
from hwsim.chip_states import StateSource
from hwsim.chips import Chips
from hwsim.conversion import copied, require_analog
from hwsim.devices import Device, DeviceState
from hwsim.faults import Faulty
from hwsim.hardware_record import recorded, recorded_hardware, require_recorded
from hwsim.modules import AnalogLayer
from hwsim.other_network import OtherNetworkError
from hwsim.parameters import analog_parameters
from hwsim.programming import Programming
from hwsim.saved_chips import checked_path, must_hold, replacing, require_described
from hwsim.tile_matrices import put_tile_, tile_matrix

FORMAT: Final = "hwsim-conductances-1"
STUCK_US: Final = "stuck_us"
TARGET_TOLERANCE: Final = 1e-3
"""Difference of targets, as a share of the range of the device, beyond which they are another network's."""


@torch.no_grad()
def describe_conductances(chips: Chips) -> dict[str, Any]:
    """Return what a controller must know besides the matrices, JSON-able.

    Raises:
        ValueError: for a network that is not calibrated.
    """
    for name, layer in chips.layers.items():
        layer.require_input_range(name)
    stored = analog_parameters(chips.net)["layers"]
    layers = {}
    for name, layer in chips.layers.items():
        mapping = layer.mapping
        layers[name] = {
            **stored[name],
            "rows": mapping.rows,
            "columns": mapping.columns,
            "groups": mapping.groups,
            "weight_shape": list(layer.weight.shape),
            "bias": None if layer.bias is None else layer.bias.tolist(),
            "tile_rows": mapping.tile_rows,
            "tile_columns": mapping.tile_columns,
            **({} if mapping.places is None else {"places": [list(place) for place in mapping.places]}),
        }
    return {
        "format": FORMAT,
        "chips": len(chips),
        "seed": chips.seed,
        "first": chips.first,
        "g_max_us": chips.device.g_max_us,
        "g_min_us": chips.device.g_min_us,
        "layers": layers,
    }


@torch.no_grad()
def save_conductances(chips: Chips, path: str | Path) -> dict[str, Any]:
    """Write targets and programmed conductances of `chips`, and return the description that the file holds.

    A file that is there is replaced once the new one is complete.

    Args:
        chips: of a calibrated network.
        path: of the safetensors file; the folder must be there.

    Raises:
        ValueError: for a path that cannot be written to, chips of a device object, which no file describes, or a
            network that is not calibrated.
        TypeError: for an argument of another type.

    Example:
        >>> import tempfile, hwsim
        >>> net = hwsim.to_analog(nn.Sequential(nn.Linear(4, 2)), "pcm-analognas")
        >>> hwsim.calibrate(net, torch.ones(8, 4))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     description = save_conductances(hwsim.program(net, n=3), f"{folder}/g.safetensors")
        ...     len(load_conductances(net, f"{folder}/g.safetensors"))
        3
    """
    path = checked_path(path)
    require_described(chips)
    description = describe_conductances(chips)
    targets = Programming(chips.layers, chips.device, chips.seed, chips.first, "both").targets_us()
    by_layer = _by_layer(chips.layers, targets)
    stuck_us = chips.device.stuck_us if isinstance(chips.device, Faulty) else None
    stuck = {} if stuck_us is None else _by_layer(chips.layers, stuck_us)
    tensors = {}
    for name, layer in chips.layers.items():
        found_us = chips.conductances(name).flatten(3).cpu()  # (chips, 2, columns, rows of a group)
        target_us = by_layer[name].cpu()
        for tile in range(len(layer.mapping.tiles)):
            tensors[_key(name, tile, "target_us")] = tile_matrix(layer.mapping, tile, target_us).contiguous()
            tensors[_key(name, tile, "g_us")] = tile_matrix(layer.mapping, tile, found_us).contiguous()
            if name in stuck:
                tensors[_key(name, tile, STUCK_US)] = tile_matrix(
                    layer.mapping, tile, stuck[name].cpu()
                ).contiguous()
    metadata = {
        "format": FORMAT,
        "description": json.dumps(description),
        **recorded(chips.layers),
    }
    with replacing(path) as file:
        file.write(save(tensors, metadata))
    return description


@torch.no_grad()
def load_conductances(net: nn.Module, path: str | Path) -> Chips:
    """Return chips of `net` with the conductances of a file.

    Args:
        net: an analog network with the weights and the hardware that the file was made of; it stays as it is. Its input
            ranges become those of the file.
        path: what `save_conductances` wrote; the values of `g_us` may have been measured since.

    Raises:
        ValueError: for a file that is missing or of another kind, conductances of another network, or values that are
            negative or not finite.
        TypeError: for an argument of another type.
    """
    path, layers = checked_path(path), require_analog(net)
    metadata, tensors = _read(path)
    with must_hold(path, "`description` and `hardware` of conductances"):
        description = json.loads(metadata["description"])
        require(description, dict, "`description` must be a mapping")
        stored: Mapping[str, Any] = description["layers"]
        require(stored, dict, "`layers` must be a mapping")
        for name, layer in stored.items():
            require(layer, dict, f"`{name}` in `layers` must be a mapping")
        n = whole("chips", description["chips"], least=1)
        seed, first = whole("seed", description["seed"]), whole("first", description["first"], least=0)
        hardware = recorded_hardware(metadata)
    _require_layers(path, layers, stored)
    require_recorded(path, layers, hardware)
    net = copied("net", net).eval().requires_grad_(False)
    layers = require_analog(net)
    for name, layer in layers.items():
        take_up(path, name, layer, stored[name])
    device = _device(path, layers, tensors)
    pairs = next(iter(layers.values())).hardware.pairs
    programming = Programming(layers, device, seed, first, pairs)
    span_us = device.g_max_us - device.g_min_us
    parts = [layer.weight.new_zeros(n, 2, layer.weight.numel()) for layer in layers.values()]
    own_targets = _by_layer(layers, programming.targets_us())
    for (name, layer), part in zip(layers.items(), parts, strict=True):
        matrix = part.view(n, 2, *layer.weight.flatten(1).shape)
        for tile in range(len(layer.mapping.tiles)):
            wanted = tile_matrix(layer.mapping, tile, own_targets[name])
            target = _tensor(path, tensors, _key(name, tile, "target_us"), tuple(wanted.shape))
            if float((target - wanted.cpu()).abs().max()) > TARGET_TOLERANCE * span_us:
                raise OtherNetworkError(
                    f"`net` must have the weights that {path} was made of, the targets of tile {tile} of `{name}` are "
                    "others: load the weights beside the file first",
                    f"the weights of `{name}` are others",
                )
            g_us = _tensor(path, tensors, _key(name, tile, "g_us"), (n, *wanted.shape))
            put_tile_(layer.mapping, tile, g_us.to(matrix), matrix)
    source = GivenConductances(programming, torch.cat(parts, 2))
    return Chips(net, device, seed, source, n, first)


@final
class ConductancesFileError(ValueError):
    """A file of conductances is missing, damaged or of another kind.

    Attributes:
        fact: which, without the remedy.
    """

    def __init__(self, fact: str) -> None:
        super().__init__(fact)
        self.fact = fact

    def __str__(self) -> str:
        return f"{self.fact}: give a file of hwsim.save_conductances"


@final
@dataclass(frozen=True, eq=False)
class GivenConductances:
    """The states of chips as a device model draws them, with conductances that are given.

    Attributes:
        source: draws what conductances after programming do not tell, such as drift exponents.
        g_us: `(chips, 2, devices)` float32, µS.
    """

    source: StateSource
    g_us: torch.Tensor

    def state_of(self, chip: int) -> DeviceState:
        """Return the state of the `chip`-th chip."""
        return {**self.source.state_of(chip), "g_us": self.g_us[chip].clone()}


def _device(path: Path, layers: Mapping[str, AnalogLayer], tensors: Mapping[str, torch.Tensor]) -> Device:
    """Return the device of the hardware, with the map of faults that the file may have."""
    device = next(iter(layers.values())).hardware.build_device()
    if not any(name.endswith(f"/{STUCK_US}") for name in tensors):
        return device
    parts = []
    for name, layer in layers.items():
        flat = torch.full((2, *layer.weight.flatten(1).shape), -1.0)
        for tile in range(len(layer.mapping.tiles)):
            wanted = tile_matrix(layer.mapping, tile, flat)
            stuck = _tensor(path, tensors, _key(name, tile, STUCK_US), tuple(wanted.shape), least=-1.0)
            put_tile_(layer.mapping, tile, stuck, flat)
        parts.append(flat.flatten(1))
    return replace(device if isinstance(device, Faulty) else Faulty(device), stuck_us=torch.cat(parts, 1))


def _key(layer: str, tile: int, what: str) -> str:
    return f"{layer}/{tile}/{what}"


def _by_layer(layers: Mapping[str, AnalogLayer], flat: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return `(2, columns, rows of a group)` of each layer, of `(2, devices)` of all."""
    sizes = [layer.weight.numel() for layer in layers.values()]
    return {
        name: part.reshape(2, *layer.weight.flatten(1).shape)
        for (name, layer), part in zip(layers.items(), torch.split(flat, sizes, 1), strict=True)
    }


def require_conductances(path: Path) -> None:
    """Check, without reading its matrices, that a path names a whole file of conductances.

    Raises:
        ConductancesFileError: when it does not.
    """
    with _opened(path):
        pass


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    with _opened(path) as file:
        return file.metadata(), {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  # no mapping


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(str(path), framework="pt") as file:
            found = (file.metadata() or {}).get("format")
            if found != FORMAT:
                raise ConductancesFileError(f"{path}: `format` must be {FORMAT}, got {found!r}")
            yield file
    except FileNotFoundError:
        raise ConductancesFileError(
            f"{path}: must be a safetensors file of conductances, there is none"
        ) from None
    except (OSError, SafetensorError) as error:
        reason = "it is a folder" if path.is_dir() else error
        raise ConductancesFileError(f"{path}: must be a safetensors file of conductances: {reason}") from None


def _tensor(
    path: Path,
    tensors: Mapping[str, torch.Tensor],
    name: str,
    shape: tuple[int, ...],
    least: float = 0.0,
) -> torch.Tensor:
    tensor = tensors.get(name)
    if tensor is None or tuple(tensor.shape) != shape or tensor.dtype != torch.float32:
        found = "no such tensor" if tensor is None else f"{tuple(tensor.shape)} {tensor.dtype}"
        raise ValueError(f"{path}: `{name}` must be {shape} float32, got {found}")
    if not bool((torch.isfinite(tensor) & (tensor >= least)).all()):
        raise ValueError(f"{path}: `{name}` must be finite and at least {least:g} µS")
    return tensor


def _require_layers(path: Path, layers: Mapping[str, AnalogLayer], stored: Mapping[str, Any]) -> None:
    """Raise OtherNetworkError unless a network has the layers of a file, of their shapes."""
    for name in (*stored, *layers):
        wanted = stored[name].get("weight_shape") if name in stored else None
        found = list(layers[name].weight.shape) if name in layers else None
        if wanted != found:
            difference = f"`{name}` is {wanted or 'missing'} there and {found or 'missing'} here"
            raise OtherNetworkError(
                f"`net` must be the network that the conductances in {path} belong to: {difference}",
                difference,
            )
