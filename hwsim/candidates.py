"""What of a digital model may become analog, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from hwsim.arguments import nearest, require
from hwsim.modules.counterparts import LAYERS, PLAIN_FORWARDS, UNSUPPORTED


def checked_entries(digital_layers: object) -> tuple[str | type[nn.Module], ...]:
    """Return the entries of `digital_layers`; one alone may come without a list."""
    entries: tuple[Any, ...] = (digital_layers,)
    if isinstance(digital_layers, Collection) and not isinstance(digital_layers, str):
        entries = tuple(digital_layers)
    for entry in entries:
        is_type = isinstance(entry, type) and issubclass(entry, nn.Module)
        if not is_type:
            rule = "`digital_layers` must hold names or types of layers"
            require(entry, str, rule, "names are those of model.named_modules()")
    return entries


def is_layer(module: nn.Module) -> bool:
    """Whether a module is one layer, which is analog or digital with all that is in it."""
    return isinstance(module, LAYERS)


def missing_names(model: nn.Module, entries: Collection[str | type[nn.Module]]) -> list[str]:
    """Return what is wrong with names that no layer has, or that are of a part of one."""
    modules: dict[str, nn.Module] = dict(model.named_modules(remove_duplicate=False))
    inside = {
        (f"{name}.{part}" if name else part): name
        for name, module in modules.items()
        if is_layer(module)
        for part, _ in module.named_modules()
        if part
    }
    kept = digital_modules(model, entries)
    absent = [
        f"`{name}` in `digital_layers`: the model has no such layer{nearest(name, modules)}"
        for name in entries
        if isinstance(name, str) and name not in modules
    ]
    parts = [
        f"`{entry}` in `digital_layers`: it is part of {_named_layer(inside[entry])}, analog or digital as a whole"
        for entry in entries
        if isinstance(entry, str) and entry in inside and modules[inside[entry]] not in kept
    ]
    return absent + parts


def _named_layer(name: str) -> str:
    return f"`{name}`" if name else "the model"


def cannot_become_analog(problems: list[str], layers: bool) -> str:
    """Return one line for one problem, else a list; `layers`: whether keeping layers digital is a remedy."""
    remedy = "name layers that shall stay digital in `digital_layers`" if layers else ""
    if len(problems) == 1:
        return f"the model cannot become analog: {problems[0]}{remedy and f'; {remedy}'}"
    lines = ["the model cannot become analog:", *(f"  {problem}" for problem in problems)]
    return "\n".join([*lines, f"{remedy[0].upper()}{remedy[1:]}."] if remedy else lines)


def problem_of(module: nn.Module) -> str | None:
    """Return why a layer cannot become analog, None if it can."""
    if isinstance(module, UNSUPPORTED):
        return "no analog counterpart, keep it digital"
    if type(module).forward not in PLAIN_FORWARDS:
        return (
            "its class has a `forward` of its own, which tiles do not know: keep it digital or make it plain"
        )
    if any(isinstance(parameter, UninitializedParameter) for parameter in module.parameters()):
        return "weights are not initialised, run the model once"
    if any(part._forward_hooks or part._forward_pre_hooks for part in module.modules()):
        return "it has forward hooks (pruning and spectral norm are some): make them permanent or remove them"
    if any(parameter.dtype != torch.float32 for parameter in module.parameters()):
        return "weights must be float32, call model.float()"
    if not all(bool(torch.isfinite(parameter).all()) for parameter in module.parameters()):
        return "weights and biases must be finite"
    weights = [parameter for name, parameter in module.named_parameters() if "bias" not in name]
    return None if all(weight.numel() for weight in weights) else "must have at least one weight"


def candidates_of(
    model: nn.Module, digital_layers: Collection[str | type[nn.Module]]
) -> Iterator[tuple[str, nn.Module]]:
    """Yield every layer that multiplies by weights and is not kept digital, under each of its names."""
    types = tuple(entry for entry in digital_layers if isinstance(entry, type))
    digital = _named(model, digital_layers)
    yield from _below(model, digital, types, "")


def digital_modules(model: nn.Module, digital_layers: Collection[str | type[nn.Module]]) -> set[nn.Module]:
    """Return the modules that are kept digital, with all that is in them."""
    types = tuple(entry for entry in digital_layers if isinstance(entry, type))
    kept = {module for module in model.modules() if isinstance(module, types)} | _named(model, digital_layers)
    return {part for module in kept for part in module.modules()}


def _named(model: nn.Module, digital_layers: Collection[str | type[nn.Module]]) -> set[nn.Module]:
    return {module for name, module in model.named_modules(remove_duplicate=False) if name in digital_layers}


def _below(
    module: nn.Module, digital: set[nn.Module], types: tuple[type[nn.Module], ...], name: str
) -> Iterator[tuple[str, nn.Module]]:
    if module in digital or isinstance(module, types):
        return
    if is_layer(module):
        yield name, module
        return
    for child_name, child in module.named_children():
        yield from _below(child, digital, types, f"{name}.{child_name}" if name else child_name)


def distinct(candidates: Mapping[str, nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    """Yield every layer once, with its first name."""
    seen: set[nn.Module] = set()
    for name, layer in candidates.items():
        if layer not in seen:
            seen.add(layer)
            yield name, layer
