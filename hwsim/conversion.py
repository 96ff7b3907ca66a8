"""Digital networks to analog ones and back."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter
from torch.utils._pytree import tree_leaves

from hwsim.adc_gain import tie
from hwsim.arguments import nearest, require
from hwsim.assignment import AnyHardware, Assignment, ByLayer, as_hardware
from hwsim.hardware import Hardware
from hwsim.modules import AnalogConv1d, AnalogConv2d, AnalogLayer, AnalogLinear
from hwsim.near_memory.folding import fold_
from hwsim.sharing import shared
from hwsim.tiles import TileMap

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


PLAIN_FORWARDS: Final = (nn.Linear.forward, nn.Conv1d.forward, nn.Conv2d.forward)
"""What tiles compute; a subclass may add to a layer, but not change this."""


def to_analog(
    model: nn.Module,
    hardware: AnyHardware,
    digital_layers: Collection[str | type[nn.Module]] | str | type[nn.Module] = (),
    *,
    layers: ByLayer | None = None,
    fold_batch_norms: bool | None = None,
) -> nn.Module:
    """Return a deep copy of `model` whose linear and convolutional layers run on crossbar tiles.

    A parametrized weight becomes what it is now, and a weight that layers share becomes one in each of them.

    Args:
        model: any torch network; it stays as it is.
        hardware: what it computes with, the name of a preset, a YAML file, or a described chip.
        digital_layers: names (as in `named_modules`) or types of layers that stay digital with all they
            contain; one alone needs no list.
        layers: other hardware for layers by name or type, with all they contain. Names count before types, the
            nearest before those around it. Tiles, converters, noise and compensation may differ, devices not.
        fold_batch_norms: whether a batch norm directly behind an analog layer becomes part of its digital scale and
            offset, with its running statistics; None where the hardware has a fixed-point unit. One of
            `digital_layers` never does.

    Raises:
        ValueError: for layers without an analog counterpart, or with a `forward` or hooks of their own, weights
            that are not finite float32 numbers, and names that do not exist, all of them in one message; for a
            model that is analog already, has nothing to make analog, or cannot be copied; for `layers` that
            name no analog layer, or hardware with another device; for batch norms that cannot be folded.
        TypeError: for an argument of another type.

    Example:
        >>> to_analog(nn.Sequential(nn.Linear(4, 2), nn.ReLU()), Hardware())[0]
        AnalogLinear(4, 2, tiles=1)
    """
    hardware = as_hardware(hardware)
    require(model, nn.Module, "`model` must be a torch module")
    if any(analog_layers(model)):
        raise ValueError("`model` must be digital, got analog layers: call hwsim.to_digital(model) first")
    digital_layers = _checked_entries(digital_layers)
    missing = _missing(model, digital_layers)
    problems = list(missing)
    candidates = dict(_candidates(model, digital_layers))
    for name, module in candidates.items():
        problem = _problem(module)
        if problem:
            problems.append(f"{f'`{name}`' if name else 'it'} ({type(module).__name__}): {problem}")
    if not candidates and not problems:
        raise ValueError(
            "`model` must have a Linear, Conv1d or Conv2d that may become analog, got "
            f"{'only digital layers' if digital_layers else 'none'}"
        )
    if problems:
        raise ValueError(_cannot_become_analog(problems, layers=len(problems) > len(missing)))
    assignment = Assignment(model, hardware, layers)
    chosen = {name: assignment.of(layer) for name, layer in _distinct(candidates)}
    assignment.require_used()
    _require_one_device(chosen)
    net = copied("model", model)
    net = _replace(net, {name: _analog(net.get_submodule(name), on) for name, on in chosen.items()})
    packed = {
        layer: layer.mapping for _, layer in analog_layers(net) if layer.hardware.tile.mapping == "packed"
    }
    for layer, mapping in shared(packed).items():
        layer.lay_out(mapping)
    tie(dict(analog_layers(net)))
    for module in net.modules():
        if isinstance(module, nn.TransformerEncoderLayer):
            # its fast path multiplies by the weights of its linear layers without calling them
            module.activation_relu_or_gelu = 0
    return _folded(net, digital_layers, fold_batch_norms)


def fold_batch_norms(
    net: nn.Module, digital_layers: Collection[str | type[nn.Module]] | str | type[nn.Module] = ()
) -> nn.Module:
    """Return a deep copy of an analog network, its batch norms part of the scale and offset of the layers before them.

    `to_analog` does it for hardware with a fixed-point unit; this is for a network that was trained with its batch
    norms on tiles. Calibrate it again: output ranges are other ones.

    Args:
        net: an analog network; it stays as it is.
        digital_layers: names or types of batch norms that stay as they are.

    Raises:
        ValueError: for a network without analog layers, batch norms that cannot be folded, or names that do not exist.
        TypeError: for an argument of another type.

    Example:
        >>> net = to_analog(nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)), Hardware())
        >>> fold_batch_norms(net)[1]
        Identity()
    """
    require_analog(net)
    entries = _checked_entries(digital_layers)
    missing = _missing(net, entries)
    if missing:
        raise ValueError("; ".join(missing))
    return _folded(copied("net", net), entries, True)


def _folded(
    net: nn.Module, digital_layers: Collection[str | type[nn.Module]], fold: bool | None
) -> nn.Module:
    """Return `net` itself, its batch norms folded, but for those of `digital_layers` and what is in them."""
    require(fold, (bool, type(None)), "`fold_batch_norms` must be True, False or None")
    names = tuple(entry for entry in digital_layers if isinstance(entry, str))
    types = tuple(entry for entry in digital_layers if isinstance(entry, type))
    kept = {
        module
        for name, module in net.named_modules(remove_duplicate=False)
        if isinstance(module, types) or any(name == entry or name.startswith(f"{entry}.") for entry in names)
    }
    if fold or any(layer.unit is not None for _, layer in analog_layers(net)):
        fold_(net, kept, fold)
    return net


def to_digital(net: nn.Module) -> nn.Module:
    """Return a deep copy of `net` with plain torch layers that have the same float weights.

    Raises:
        TypeError: for anything but a torch module.
        ValueError: for a network that cannot be copied.
    """
    _require_module(net)
    net = copied("net", net)
    return _replace(net, {name: layer.digital() for name, layer in analog_layers(net)})


def analog_layers(net: nn.Module) -> Iterator[tuple[str, AnalogLayer]]:
    """Yield name and module of every analog layer, in order of registration."""
    for name, module in net.named_modules():
        if isinstance(module, AnalogLayer):
            yield name, module


def require_analog(net: nn.Module) -> dict[str, AnalogLayer]:
    """Return the analog layers of `net` by name.

    Raises:
        TypeError: for anything but a torch module.
        ValueError: if there is no analog layer, or their hardware has different devices.
    """
    _require_module(net)
    layers = dict(analog_layers(net))
    if not layers:
        raise ValueError("`net` must have at least one analog layer, got none: call hwsim.to_analog first")
    _require_one_device({name: layer.hardware for name, layer in layers.items()})
    return layers


def _require_one_device(chosen: Mapping[str, Hardware]) -> None:
    """Raise ValueError unless all layers, by name, are on one kind of device, whose state a chip holds."""
    (first, one), *others = chosen.items()
    for name, hardware in others:
        if hardware is not one and (hardware.device != one.device or hardware.pairs != one.pairs):
            raise ValueError(
                f"all layers must have the same memory device (`device` and `pairs` of their hardware), got "
                f"{one.name} with {one.device.kind} in `{first}` and {hardware.name} with {hardware.device.kind} "
                f"in `{name}`: replace tiles, converters, mvm or compensation alone"
            )


def analog_candidates(
    model: nn.Module, digital_layers: Collection[str | type[nn.Module]] | str | type[nn.Module] = ()
) -> Iterator[tuple[nn.Module, str | None]]:
    """Yield each layer of a digital model that may become analog, and why it cannot, None if it can.

    Raises:
        TypeError: for entries of another type.
        ValueError: for names that do not exist.
    """
    entries = _checked_entries(digital_layers)
    missing = _missing(model, entries)
    if missing:
        raise ValueError("; ".join(missing))
    for _, layer in _distinct(dict(_candidates(model, entries))):
        yield layer, _problem(layer)


def copied(name: str, net: nn.Module, shared: Iterable[torch.Tensor] = ()) -> nn.Module:
    """Return a deep copy of what the caller calls `name`; tensors that a run left in it lose their gradient.

    Args:
        name: what the caller calls it.
        net: any torch network.
        shared: tensors that the copy has in common with it.

    Raises:
        ValueError: for a network that cannot be copied.
    """
    left = (value for module in net.modules() for value in tree_leaves(vars(module)))
    results: dict[int, Any] = {
        id(value): value.detach().clone()
        for value in left
        if isinstance(value, torch.Tensor) and not value.is_leaf
    }
    results.update({id(tensor): tensor for tensor in shared})
    try:
        return copy.deepcopy(net, results)
    except (RuntimeError, TypeError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"`{name}` must be a model that can be copied: {said}") from None


def tensors_of(net: nn.Module) -> dict[str, torch.Tensor]:
    """Return the state of `net` without what modules add to it that is no tensor."""
    return {name: value for name, value in net.state_dict().items() if isinstance(value, torch.Tensor)}


def require_float32(layers: Mapping[str, AnalogLayer]) -> None:
    """Raise ValueError unless the weights of all layers are float32, what devices and noise are drawn in."""
    for name, layer in layers.items():
        if layer.weight.dtype != torch.float32:
            raise ValueError(
                f"weights of `net` must be float32, got {layer.weight.dtype} in `{name}`: call net.float()"
            )


def tile_map(net: nn.Module) -> TileMap:
    """Return how the analog layers of `net` lie on tiles.

    Raises:
        TypeError: for anything but a torch module.
        ValueError: if `net` has no analog layer.
    """
    return TileMap({name: layer.mapping for name, layer in require_analog(net).items()})


def _require_module(net: object) -> None:
    rule = "`net` must be a torch module from hwsim.to_analog"
    require(net, nn.Module, rule, "pass chips.net" if type(net).__name__ == "Chips" else "")


def _checked_entries(digital_layers: object) -> tuple[str | type[nn.Module], ...]:
    """Return the entries of `digital_layers`; one alone may come without a list."""
    is_many = isinstance(digital_layers, Collection) and not isinstance(digital_layers, str)
    entries: tuple[Any, ...] = tuple(digital_layers) if is_many else (digital_layers,)  # type: ignore[arg-type]
    for entry in entries:
        is_type = isinstance(entry, type) and issubclass(entry, nn.Module)
        if not is_type:
            rule = "`digital_layers` must hold names or types of layers"
            require(entry, str, rule, "names are those of model.named_modules()")
    return entries


def _missing(model: nn.Module, entries: Collection[str | type[nn.Module]]) -> list[str]:
    """Return what is wrong with names that no layer has."""
    names = {name for name, _ in model.named_modules(remove_duplicate=False)}
    return [
        f"`{name}` in `digital_layers`: the model has no such layer{nearest(name, names)}"
        for name in entries
        if isinstance(name, str) and name not in names
    ]


def _cannot_become_analog(problems: list[str], layers: bool) -> str:
    """Return one line for one problem, else a list; `layers`: whether keeping layers digital is a remedy."""
    remedy = "name layers that shall stay digital in `digital_layers`" if layers else ""
    if len(problems) == 1:
        return f"the model cannot become analog: {problems[0]}{remedy and f'; {remedy}'}"
    lines = ["the model cannot become analog:", *(f"  {problem}" for problem in problems)]
    return "\n".join([*lines, f"{remedy[0].upper()}{remedy[1:]}."] if remedy else lines)


def _problem(module: nn.Module) -> str | None:
    """Return why a layer cannot become analog, None if it can."""
    if isinstance(module, UNSUPPORTED):
        return "no analog counterpart, keep it digital"
    if type(module).forward not in PLAIN_FORWARDS:
        return (
            "its class has a `forward` of its own, which tiles do not know: keep it digital or make it plain"
        )
    if any(isinstance(parameter, UninitializedParameter) for parameter in module.parameters()):
        return "weights are not initialised, run the model once"
    if module._forward_hooks or module._forward_pre_hooks:
        return "it has forward hooks (pruning and spectral norm are some): make them permanent or remove them"
    if any(parameter.dtype != torch.float32 for parameter in module.parameters()):
        return "weights must be float32, call model.float()"
    if not all(bool(torch.isfinite(parameter).all()) for parameter in module.parameters()):
        return "weights and biases must be finite"
    assert isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d)
    return None if module.weight.numel() else "must have at least one weight"


def _candidates(
    model: nn.Module, digital_layers: Collection[str | type[nn.Module]]
) -> Iterator[tuple[str, nn.Module]]:
    """Yield every layer that multiplies by weights and is not kept digital, under each of its names."""
    types = tuple(entry for entry in digital_layers if isinstance(entry, type))
    digital = {
        module for name, module in model.named_modules(remove_duplicate=False) if name in digital_layers
    }
    yield from _below(model, digital, types, "")


def _below(
    module: nn.Module, digital: set[nn.Module], types: tuple[type[nn.Module], ...], name: str
) -> Iterator[tuple[str, nn.Module]]:
    if module in digital or isinstance(module, types):
        return
    if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, *UNSUPPORTED)):
        yield name, module
        return
    for child_name, child in module.named_children():
        yield from _below(child, digital, types, f"{name}.{child_name}" if name else child_name)


def _distinct(candidates: Mapping[str, nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    """Yield every layer once, with its first name."""
    seen: set[nn.Module] = set()
    for name, layer in candidates.items():
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
