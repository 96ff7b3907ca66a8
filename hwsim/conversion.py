"""Digital networks to analog ones and back."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Final

import torch
from torch import nn

from hwsim.hardware import Hardware
from hwsim.mapping import TileMap
from hwsim.modules import AnalogConv1d, AnalogConv2d, AnalogLayer, AnalogLinear
from hwsim.presets import preset

UNSUPPORTED: Final = (
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Bilinear,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.MultiheadAttention,
)
"""Layers that multiply by a weight matrix and have no analog counterpart here."""


def to_analog(
    model: nn.Module, hardware: Hardware | str, digital_layers: Collection[str | type[nn.Module]] = ()
) -> nn.Module:
    """Return a deep copy of `model` whose linear and convolutional layers run on crossbar tiles.

    Args:
        model: any torch network; it stays as it is.
        hardware: the chip, or the name of a preset.
        digital_layers: names (as in `named_modules`) or types of layers that stay digital with all they
            contain.

    Raises:
        ValueError: for layers without an analog counterpart, weights that are not finite, and names that do
            not exist; all of them in one message.
        TypeError: for hardware of another type.

    Example:
        >>> to_analog(nn.Sequential(nn.Linear(4, 2), nn.ReLU()), Hardware())[0]
        AnalogLinear(4, 2, tiles=1)
    """
    if isinstance(hardware, str):
        hardware = preset(hardware)
    if not isinstance(hardware, Hardware):
        raise TypeError(
            f"`hardware` must be hwsim.Hardware or the name of a preset, got {type(hardware).__name__}"
        )
    names = {name for name, _ in model.named_modules()}
    missing = [entry for entry in digital_layers if isinstance(entry, str) and entry not in names]
    problems = [f"`{name}` in `digital_layers`: the model has no such layer" for name in missing]
    for name, module in _candidates(model, digital_layers):
        if isinstance(module, UNSUPPORTED):
            problems.append(f"`{name}` ({type(module).__name__}): no analog counterpart, keep it digital")
        elif not all(bool(torch.isfinite(parameter).all()) for parameter in module.parameters()):
            problems.append(f"`{name}` ({type(module).__name__}): weights and biases must be finite")
    if problems:
        raise ValueError(
            "the model cannot become analog:\n  "
            + "\n  ".join(problems)
            + "\nName the layers that shall stay digital in `digital_layers`."
        )
    net = copy.deepcopy(model)
    return _replace(net, {name: _analog(layer, hardware) for name, layer in _distinct(net, digital_layers)})


def to_digital(net: nn.Module) -> nn.Module:
    """Return a deep copy of `net` with plain torch layers that have the same float weights."""
    net = copy.deepcopy(net)
    return _replace(net, {name: layer.digital() for name, layer in analog_layers(net)})


def analog_layers(net: nn.Module) -> Iterator[tuple[str, AnalogLayer]]:
    """Yield name and module of every analog layer, in order of registration."""
    for name, module in net.named_modules():
        if isinstance(module, AnalogLayer):
            yield name, module


def tile_map(net: nn.Module) -> TileMap:
    """Return how the analog layers of `net` lie on tiles.

    Raises:
        ValueError: if `net` has no analog layer.
    """
    layers = dict(analog_layers(net))
    if not layers:
        raise ValueError("`net` must have at least one analog layer, got none: call hwsim.to_analog first")
    tile = next(iter(layers.values())).hardware.tile
    return TileMap(tile.rows, tile.columns, {name: layer.mapping for name, layer in layers.items()})


def _candidates(
    model: nn.Module, digital_layers: Collection[str | type[nn.Module]], name: str = ""
) -> Iterator[tuple[str, nn.Module]]:
    """Yield every layer that multiplies by weights and is not kept digital, under each of its names."""
    types = tuple(entry for entry in digital_layers if isinstance(entry, type))
    if name in digital_layers or isinstance(model, types):
        return
    if isinstance(model, (nn.Linear, nn.Conv1d, nn.Conv2d, *UNSUPPORTED)):
        yield name, model
        return
    for child_name, child in model.named_children():
        yield from _candidates(child, digital_layers, f"{name}.{child_name}" if name else child_name)


def _distinct(
    net: nn.Module, digital_layers: Collection[str | type[nn.Module]]
) -> Iterator[tuple[str, nn.Module]]:
    seen: set[nn.Module] = set()
    for name, layer in _candidates(net, digital_layers):
        if layer not in seen:
            seen.add(layer)
            yield name, layer


def _analog(layer: nn.Module, hardware: Hardware) -> AnalogLayer:
    if isinstance(layer, nn.Linear):
        return AnalogLinear(layer, hardware)
    if isinstance(layer, nn.Conv1d):
        return AnalogConv1d(layer, hardware)
    assert isinstance(layer, nn.Conv2d)
    return AnalogConv2d(layer, hardware)


def _replace(net: nn.Module, replacements: dict[str, nn.Module]) -> nn.Module:
    """Put each replacement under every name of the layer it replaces."""
    by_layer = {net.get_submodule(name): new.train(net.training) for name, new in replacements.items()}
    if net in by_layer:
        return by_layer[net]
    for parent in list(net.modules()):
        for name, child in list(parent._modules.items()):
            if child is not None and child in by_layer:
                setattr(parent, name, by_layer[child])
    return net
