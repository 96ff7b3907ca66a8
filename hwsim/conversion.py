"""Digital networks to analog ones and back."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from hwsim.adc_gain import tie
from hwsim.arguments import require
from hwsim.assignment import AnyHardware, Assignment, ByLayer, as_hardware
from hwsim.candidates import (
    candidates_of,
    cannot_become_analog,
    checked_entries,
    digital_modules,
    distinct,
    missing_names,
    problem_of,
)
from hwsim.hardware import Hardware
from hwsim.modules import AnalogComposite, AnalogLayer, ParameterProduct
from hwsim.modules.counterparts import counterpart_of
from hwsim.near_memory.folding import fold_
from hwsim.parameter_products import parameter_products, why_untraced
from hwsim.sharing import shared
from hwsim.tiles import TileMap


def to_analog(
    model: nn.Module,
    hardware: AnyHardware,
    digital_layers: Collection[str | type[nn.Module]] | str | type[nn.Module] = (),
    *,
    layers: ByLayer | None = None,
    fold_batch_norms: bool | None = None,
) -> nn.Module:
    """Return a deep copy of `model` whose products with weights run on crossbar tiles.

    Linear, convolutional, recurrent and attention layers have analog counterparts, and so have matrices of a
    module's own that only multiply inputs (`x @ self.weight`). A parametrized weight becomes what it is now, and a
    weight that layers share becomes one in each of them.

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
    entries = checked_entries(digital_layers)
    missing = missing_names(model, entries)
    candidates = dict(candidates_of(model, entries))
    problems = [*missing, *(f"{_said(model, name)}: {why}" for name, why in _problems(candidates).items())]
    if problems:
        raise ValueError(cannot_become_analog(problems, layers=len(problems) > len(missing)))
    return _converted(model, candidates, entries, Assignment(model, hardware, layers), fold_batch_norms)


def as_analog_as_possible(
    model: nn.Module,
    hardware: AnyHardware,
    digital_layers: Collection[str | type[nn.Module]] | str | type[nn.Module] = (),
    layers: ByLayer | None = None,
) -> tuple[nn.Module, dict[str, str]]:
    """Return what `to_analog` would, its batch norms as they are, with layers that it refuses kept digital.

    Returns:
        The network, and why each of these layers cannot become analog, by its name.

    Raises:
        ValueError: as `to_analog`, but for such layers; a model without any other is returned as it is.
        TypeError: for an argument of another type.
    """
    entries = checked_entries(digital_layers)
    missing = missing_names(model, entries)
    if missing:
        raise ValueError("; ".join(missing))
    problems = _problems(dict(candidates_of(model, entries)))
    entries = (*entries, *problems)
    assignment = Assignment(model, hardware, layers)
    candidates = dict(candidates_of(model, entries))
    if not candidates and not any(parameter_products(model, digital_modules(model, entries))):
        assignment.require_used()
        return model, problems
    return _converted(model, candidates, entries, assignment, False), problems


def _problems(candidates: Mapping[str, nn.Module]) -> dict[str, str]:
    found = {name: problem_of(module) for name, module in candidates.items()}
    return {name: problem for name, problem in found.items() if problem}


def _said(model: nn.Module, name: str) -> str:
    return f"{f'`{name}`' if name else 'it'} ({type(model.get_submodule(name)).__name__})"


def _converted(
    model: nn.Module,
    candidates: Mapping[str, nn.Module],
    digital_layers: Collection[str | type[nn.Module]],
    assignment: Assignment,
    fold: bool | None,
) -> nn.Module:
    """Return a deep copy with the candidates, and the parameters that can be, on tiles."""
    names = {module: name for name, module in model.named_modules()}
    chosen = {name: assignment.of(layer) for name, layer in distinct(candidates)}
    parameters = [
        (names[found.module], found, assignment.of(found.module))
        for found in parameter_products(model, digital_modules(model, digital_layers))
    ]
    if not chosen and not parameters:
        why = why_untraced(model, digital_modules(model, digital_layers))
        raise ValueError(
            "`model` must have a layer with weights that may become analog, got "
            f"{'only digital layers' if digital_layers else 'none'}{why and f': {why}'}"
        )
    assignment.require_used()
    _require_one_device({**chosen, **{f"{name}.{found.name}": on for name, found, on in parameters}})
    net = copied("model", model)
    net = _replace(net, {name: counterpart_of(net.get_submodule(name), on) for name, on in chosen.items()})
    for name, found, on in parameters:
        owner = net.get_submodule(name)
        product = ParameterProduct(owner.get_parameter(found.name), found.orientation, on)
        del owner._parameters[found.name]
        owner.add_module(found.name, product.train(owner.training))
    packed = {
        layer: layer.mapping for _, layer in analog_layers(net) if layer.hardware.tile.mapping == "packed"
    }
    for layer, mapping in shared(packed).items():
        layer.lay_out(mapping)
    tie(dict(analog_layers(net)))
    for module in net.modules():
        # torch's fast paths multiply by the weights of layers without calling them
        if isinstance(module, nn.TransformerEncoderLayer):
            module.activation_relu_or_gelu = 0
        elif isinstance(module, nn.TransformerEncoder):
            module.use_nested_tensor = False
    return _folded(net, digital_layers, fold)


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
    entries = checked_entries(digital_layers)
    missing = missing_names(net, entries)
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
    inside = {
        part for module in net.modules() if isinstance(module, AnalogComposite) for part in module.modules()
    }
    inside -= {module for module in net.modules() if isinstance(module, AnalogComposite)}
    net = with_parameters_back(net)
    replacements = {
        name: module.digital()
        for name, module in net.named_modules()
        if isinstance(module, AnalogLayer | AnalogComposite) and module not in inside
    }
    return _replace(net, replacements)


def with_parameters_back(net: nn.Module, kept: Collection[str] = ()) -> nn.Module:
    """Return `net` itself, with parameters where arrays stand for them, but for the arrays named in `kept`."""
    for name, module in list(net.named_modules()):
        if isinstance(module, ParameterProduct) and f"{name}.array" not in kept:
            owner, _, attribute = name.rpartition(".")
            parent = net.get_submodule(owner)
            del parent._modules[attribute]
            parent.register_parameter(attribute, module.parameter())
    return net


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
        parts = ((on.device, on.pairs, on.faults) for on in (one, hardware))
        if hardware is not one and next(parts) != next(parts):
            raise ValueError(
                f"all layers must have the same memory device (`device`, `pairs` and `faults` of their hardware), got "
                f"{one.name} with {one.device.kind} in `{first}` and {hardware.name} with {hardware.device.kind} "
                f"in `{name}`: replace tiles, converters, mvm or compensation alone"
            )


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
