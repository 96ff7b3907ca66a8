"""The constructor call that gives a layer of `torch.nn` again, as source text.

The arguments are read from the layer's attributes and written as literals; the call is checked by building
the layer once more and comparing its printed form, its arguments and the shapes of its state.
"""

from __future__ import annotations

import inspect
import math
from typing import Final

import torch
from torch import nn

from analognas.export.error import ExportError

_RECURRENT: Final = (
    "input_size",
    "hidden_size",
    "num_layers",
    "bias",
    "batch_first",
    "dropout",
    "bidirectional",
)
"""Arguments of LSTM, GRU and RNN, whose signatures do not name them; an LSTM has a projection besides."""

_CONVOLUTIONS: Final = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
_PER_AXIS: Final = ("kernel_size", "stride", "padding", "dilation", "output_padding")
"""Arguments that convolutions turn into one number an axis; equal numbers are written as one."""

_PLACEMENT: Final = ("device", "dtype")
"""Arguments that say where a layer lives, not what it is."""


def constructor(layer: nn.Module, place: str) -> str:
    """Return the source of a call such as `nn.Conv2d(3, 8, kernel_size=(3, 3))`.

    Args:
        layer: a layer of `torch.nn`.
        place: its path in the network, for the message of an error.

    Raises:
        ExportError: when the layer is not one of `torch.nn`, has hooks, or its arguments cannot be read from
            it.
    """
    kind = type(layer)
    if getattr(nn, kind.__name__, None) is not kind:
        raise ExportError(
            f"layer `{place}` must be a layer of torch.nn, got {kind.__module__}.{kind.__qualname__}; remove "
            "parametrizations (torch.nn.utils.parametrize.remove_parametrizations) and build it from torch.nn"
        )
    if layer._forward_hooks or layer._forward_pre_hooks:
        raise ExportError(
            f"layer `{place}` has forward hooks, which cannot be written as source; remove them"
        )
    arguments = _arguments(layer, place)
    _verify(layer, arguments, place)
    required = [name for name, default in _parameters(kind) if default is inspect.Parameter.empty]
    # what has no default reads well by position as long as it is one or two numbers: (in, out)
    positional = required[:2]
    written = [literal(arguments[name], place) for name in positional]
    written += [
        f"{name}={literal(value, place)}" for name, value in arguments.items() if name not in positional
    ]
    return f"nn.{kind.__name__}({', '.join(written)})"


def literal(value: object, place: str) -> str:
    """Return Python source for a number, text, None, a dtype, or tuples and lists of these.

    Raises:
        ExportError: for anything else.
    """
    if type(value) is str:
        return quoted(value)
    if value is None or type(value) in (bool, int):
        return repr(value)
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, torch.dtype):
        return str(value)
    if isinstance(value, tuple):  # torch.Size is one
        inner = ", ".join(literal(entry, place) for entry in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return f"[{', '.join(literal(entry, place) for entry in value)}]"
    raise ExportError(
        f"`{place}` uses the value {value!r} of type {type(value).__name__}, which cannot be written as "
        "source; numbers, text, None and tuples of these can"
    )


def quoted(text: str) -> str:
    """Return a Python string of one line, in the quotes that `ruff format` chooses.

    >>> print(quoted("it's"), quoted('say "a"'))
    "it's" 'say "a"'
    """
    quote = "'" if text.count('"') > text.count("'") else '"'
    letters = (
        f"\\{letter}"
        if letter in (quote, "\\")
        else letter
        if letter.isprintable()
        else repr(letter).strip("'")
        for letter in text
    )
    return f"{quote}{''.join(letters)}{quote}"


def _parameters(kind: type[nn.Module]) -> list[tuple[str, object]]:
    """Return name and default of each constructor argument."""
    if issubclass(kind, nn.RNNBase):
        required = inspect.Parameter.empty
        defaults: tuple[object, ...] = (required, required, 1, True, False, 0.0, False)
        projection = [("proj_size", 0)] if issubclass(kind, nn.LSTM) else []
        return [*zip(_RECURRENT, defaults, strict=True), *projection]
    parameters = list(inspect.signature(kind).parameters.values())
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        (p.name, p.default)
        for p in parameters
        if p.name not in _PLACEMENT and p.kind not in variadic and not p.name.startswith("_")
    ]


def _arguments(layer: nn.Module, place: str) -> dict[str, object]:
    """Return the constructor arguments that differ from their defaults, and those without one."""
    arguments: dict[str, object] = {}
    for name, default in _parameters(type(layer)):
        try:
            value = getattr(layer, name)
        except AttributeError as error:
            raise ExportError(
                f"layer `{place}` ({type(layer).__name__}) does not keep its argument `{name}`, so its "
                "constructor cannot be written; use another layer of torch.nn there"
            ) from error
        if name == "bias" and not isinstance(value, bool):
            value = value is not None
        if name in _PER_AXIS and isinstance(layer, _CONVOLUTIONS) and len(set(value)) == 1:
            value = value[0]
        if default is inspect.Parameter.empty or value != default:
            arguments[name] = value
    return arguments


def _verify(layer: nn.Module, arguments: dict[str, object], place: str) -> None:
    """Check that the arguments give an equal layer."""
    try:
        with torch.random.fork_rng(devices=[]):
            again = type(layer)(**arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ExportError(f"layer `{place}` ({layer!r}) cannot be built again: {error}") from error
    shapes = [{key: value.shape for key, value in each.state_dict().items()} for each in (layer, again)]
    if repr(again) != repr(layer) or shapes[0] != shapes[1] or _arguments(again, place) != arguments:
        raise ExportError(
            f"layer `{place}` is {layer!r} but its attributes describe {again!r}; do not change "
            "a layer's attributes after building it"
        )
