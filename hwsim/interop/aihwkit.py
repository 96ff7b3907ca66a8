"""Networks to and from aihwkit, with their configuration, weights and input ranges.

Linear layers and two-dimensional convolutions without groups exist on both sides. Everything in a network or its
configuration that does not is listed as text. Programmed states of chips are not carried over: each side programs the
weights itself, and a network that aihwkit has programmed comes back with the weights from before.

References:
    Rasch et al., A flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar arrays,
    AICAS 2021, arXiv 2104.02184.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import torch
from torch import nn

from hwsim.arguments import require
from hwsim.conversion import analog_layers, require_analog, to_analog, to_digital
from hwsim.hardware import Hardware
from hwsim.interop.aihwkit_settings import aihwkit_settings, hardware_of
from hwsim.interop.peer_value import applied
from hwsim.modules import AnalogLayer
from hwsim.optional_library import needs

CONVERTED: Final = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers that aihwkit and aihwkit-lightning put on tiles."""
TORCH_TILE: Final = (nn.Linear, nn.Conv2d)
"""Those of them that aihwkit's torch tile computes."""


class Translated(NamedTuple):
    """A network of another simulator.

    Attributes:
        net: the network.
        lost: what has no counterpart, a line each; empty where nothing was lost.
    """

    net: nn.Module
    lost: tuple[str, ...]


def to_aihwkit(net: nn.Module) -> Translated:
    """Return an analog network as a network of aihwkit, in evaluation mode, and what has no counterpart there.

    Args:
        net: from `to_analog`, calibrated; it stays as it is.

    Raises:
        ValueError: for a network that is not calibrated, or without a layer that aihwkit has.
        ModuleNotFoundError: where aihwkit is not installed.
    """
    needs("aihwkit", "`to_aihwkit`")
    layers = require_analog(net)
    for name, layer in layers.items():
        layer.require_input_range(name)
    hardware = next(iter(layers.values())).hardware
    kept, digital, lost = shared_layers(net, TORCH_TILE)
    from aihwkit.nn.conversion import convert_to_analog
    from aihwkit.nn.modules.container import AnalogWrapper
    from aihwkit.simulator.configs import TorchInferenceRPUConfig

    settings, of_hardware = aihwkit_settings(hardware)
    config = applied(TorchInferenceRPUConfig(), settings)
    plain = to_digital(net)
    # aihwkit keeps one wrapper, with one `forward`, for all networks whose classes have the same name
    AnalogWrapper.SUBCLASSES.pop(f"{AnalogWrapper.__name__}{type(plain).__name__}", None)
    peer: nn.Module = convert_to_analog(plain, config, exclude_modules=digital)
    if hardware.needs_input_range:
        for name, layer in kept.items():
            for rows, limit in zip(
                _tile_rows(peer.get_submodule(name)), layer.input_range.tolist(), strict=True
            ):
                for tile in rows:
                    tile.set_input_range(limit)
    return Translated(peer.eval(), (*of_hardware, *lost))


def shared_layers(
    net: nn.Module, kinds: tuple[type[nn.Module], ...] = CONVERTED
) -> tuple[dict[str, AnalogLayer], list[str], list[str]]:
    """Return the layers of a network that a peer has on tiles, what must stay digital there, and both in words.

    Args:
        net: an analog network.
        kinds: layers that the peer puts on tiles.

    Returns:
        Layers by name; names of plain layers that the peer must not convert; what differs, a line each.

    Raises:
        ValueError: when no layer is left.
    """
    plain = dict(to_digital(net).named_modules())
    layers = dict(analog_layers(net))
    kept = {name: layer for name, layer in layers.items() if _is_shared(plain.get(name), kinds)}
    if not kept:
        names = ", ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"`net` must have a layer without groups on tiles that is one of {names}")
    digital = [name for name, module in plain.items() if isinstance(module, CONVERTED) and name not in kept]
    first = next(iter(layers.values())).hardware
    lost = [f"layer {name}: no counterpart, it is digital there" for name in layers if name not in kept]
    lost += [
        f"layer {name}: hardware of its own, that of the first layer there"
        for name, layer in kept.items()
        if layer.hardware != first
    ]
    return kept, digital, lost


def from_aihwkit(model: nn.Module) -> Translated:
    """Return a network of aihwkit as an analog network, in evaluation mode, and what has no counterpart here.

    Args:
        model: from aihwkit's `convert_to_analog`, or built of its layers; it stays as it is. Weights are those before
            programming, also where aihwkit has programmed or drifted them since.

    Raises:
        ValueError: for a network without layers of aihwkit, of layers that have no counterpart, or a configuration that
            is not one of inference.
        ModuleNotFoundError: where aihwkit is not installed.
    """
    needs("aihwkit", "`from_aihwkit`")
    require(model, nn.Module, "`model` must be a torch module")
    from aihwkit.nn.conversion import convert_to_digital

    tiles = {name: _tile_rows(module) for name, module in model.named_modules() if _is_analog(module)}
    if not tiles:
        raise ValueError("`model` must have a layer of aihwkit on tiles, got none")
    with _before_programming(tiles.values()):
        # parameters of tiles do not survive a deep copy in every version: what is copied is digital
        plain: nn.Module = convert_to_digital(model, inplace=False)
    left = [name for name, module in plain.named_modules() if _is_analog(module)]
    if left:
        raise ValueError(
            f"layers of `model` must be linear or convolutions, got {type(plain.get_submodule(left[0])).__name__} "
            f"`{left[0]}`"
        )
    hardware: dict[str, Hardware] = {}
    lost: dict[str, None] = {}
    for name, rows in tiles.items():
        hardware[name], of_layer = hardware_of(rows[0][0].rpu_config)
        lost |= dict.fromkeys(of_layer)
    first = next(iter(hardware.values()))
    around = {part for name in tiles for part in _and_around(name)}
    digital = [name for name, _ in plain.named_modules() if name not in around]
    others: dict[str | type[nn.Module], Hardware | str] = {
        name: one for name, one in hardware.items() if one != first
    }
    net = to_analog(plain.eval().requires_grad_(True), first, digital, layers=others or None)
    for name, layer in analog_layers(net):
        if name in tiles:
            lost |= dict.fromkeys(_take_ranges(name, layer, tiles[name]))
        else:
            lost[f"layer {name}: digital there, on tiles here; call hwsim.calibrate"] = None
    return Translated(net.eval(), tuple(lost))


@contextmanager
def _before_programming(layers: Iterable[list[list[Any]]]) -> Iterator[None]:
    """Give the tiles of layers the weights that they were programmed from, and afterwards their own again."""
    held = []
    try:
        for tile in (tile for rows in layers for row in rows for tile in row):
            reference = tile.reference_combined_weights  # None until aihwkit programs the tile
            if reference is not None:
                held.append((tile.tile, tile.tile.get_weights().clone()))
                tile.tile.set_weights(reference)
        yield
    finally:
        for simulated, weights in held:
            simulated.set_weights(weights)


@torch.no_grad()
def _take_ranges(name: str, layer: AnalogLayer, rows: list[list[Any]]) -> list[str]:
    """Set the input ranges of a layer from aihwkit's tiles, and return what differs."""
    if layer.is_dynamic:
        return []
    lost = []
    for block, tiles in enumerate(rows):
        found = [1.0 if tile.input_range is None else abs(float(tile.input_range)) for tile in tiles]
        layer.input_range[block] = max(found)
        if max(found) > (1 + 1e-6) * min(found):
            lost.append(f"layer {name}: tiles that share rows have one input range here, the largest")
        waits = rows[block][0].rpu_config.pre_post.input_range
        index = getattr(tiles[0], "input_range_update_idx", None)
        if (
            waits.enable
            and waits.init_from_data > 0
            and index is not None
            and float(index) < waits.init_from_data
        ):
            lost.append(f"layer {name}: its input range was not measured yet; call hwsim.calibrate")
    return lost


def _is_shared(module: nn.Module | None, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Return whether a peer puts a plain layer of these kinds on tiles."""
    return type(module) in kinds and getattr(module, "groups", 1) == 1


def _and_around(name: str) -> list[str]:
    """Return a name and those of all modules that hold it."""
    parts = name.split(".")
    return ["", *(".".join(parts[: length + 1]) for length in range(len(parts)))]


def _is_analog(module: nn.Module) -> bool:
    """Return whether a module is a layer of aihwkit with tiles of its own."""
    from aihwkit.nn.modules.base import AnalogLayerBase

    return isinstance(module, AnalogLayerBase) and getattr(module, "analog_module", None) is not None


def _tile_rows(module: nn.Module) -> list[list[Any]]:
    """Return the tiles of a layer of aihwkit, those that share rows together."""
    tiles: Any = module.analog_module
    array = getattr(tiles, "array", None)
    return [[tiles]] if array is None else [list(row) for row in array]
