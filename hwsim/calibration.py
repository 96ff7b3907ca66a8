"""Static input ranges: what the DAC of each layer must span, measured on batches of inputs.

The network runs in floating point on the batches, and each layer's inputs are summarised by one of

    std        running mean over batches of k standard deviations (Rasch et al. 2023: k = 3, 100 batches)
    quantile   running mean over batches of a quantile of |x|
    max        largest |x| of all batches

A wide range clips little and amplifies quantisation and output noise; a narrow one does the opposite. A
layer that sees only zeros gets the range 1. Of a layer that runs several times in a batch, the widest counts.
Outputs of a layer with a fixed-point unit are summarised likewise, behind the ReLU that the unit computes, and those
of tiles whose ADCs have a gain that is not fixed.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023 (Methods, input range).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._pytree import tree_map_only

from hwsim.adc_gain import set_bounds
from hwsim.arguments import number, require, shown
from hwsim.conversion import analog_layers, require_analog
from hwsim.dataset import batch_of
from hwsim.inputs import explained
from hwsim.modules import NOMINAL, Activation, AnalogLayer, Execution

Method: TypeAlias = Literal["std", "quantile", "max"]

ACTIVATIONS: Final[Mapping[Activation, Callable[[torch.Tensor], torch.Tensor]]] = {
    "identity": lambda outputs: outputs,
    "relu": torch.relu,
    "relu6": F.relu6,
}
"""What the outputs that are calibrated on have passed."""

_SAMPLE: Final = 1 << 14
"""Values that tell where a quantile of many more lies."""

_LARGEST_SORT: Final = 1 << 22
"""Inputs of one batch and layer that a quantile is taken of; more are thinned evenly."""


@torch.no_grad()
def calibrate(
    net: nn.Module,
    batches: Iterable[Any] | torch.Tensor | np.ndarray | Mapping[str, Any],
    *,
    method: Method = "quantile",
    n_std: float = 3.0,
    quantile: float = 0.999,
) -> None:
    """Set the input range of every analog layer, and the output range of a fixed-point unit, from `batches` of inputs.

    Where the gain of ADCs is not fixed, it is set, too (`hwsim.adc_gain`).

    Args:
        net: an analog network; batch norm uses its running statistics whatever the network's mode.
        batches: a DataLoader or another iterable of batches `x` or `(x, y)`, of which `y` is not used; `x` is a tensor
            or a numpy array, or a tuple or dictionary of them for a network of several inputs, as `hwsim.evaluate` has
            it. A tensor, an array or a dictionary alone is one batch.
        method: how a layer's inputs become its range.
        n_std: standard deviations of the method `std`.
        quantile: share of inputs that the method `quantile` leaves unclipped.

    Raises:
        ValueError: for a network without analog layers, no batches, an empty batch, inputs that are not
            finite, in the batches or inside of the network, or do not fit it, a layer that none of them reaches,
            or an unknown method.
        TypeError: for an argument of another type.
    """
    layers = list(require_analog(net).values())
    summarise = _summary(method, n_std, quantile)
    if isinstance(batches, torch.Tensor | np.ndarray | Mapping):
        batches = [batches]
    require(batches, Iterable, "`batches` must be a tensor or a list of tensors")
    assert isinstance(batches, Iterable)
    ranges: dict[AnalogLayer, torch.Tensor] = {}  # of inputs, of tiles' outputs, of outputs: what a layer has
    widest: dict[AnalogLayer, torch.Tensor] = {}  # of a batch, over all runs of a layer
    n_seen: Counter[AnalogLayer] = Counter()

    def observe(layer: nn.Module, arguments: tuple[Any, ...], outputs: torch.Tensor) -> None:
        assert isinstance(layer, AnalogLayer)
        blocks = range(len(layer.mapping.blocks))
        found = [summarise(layer.block_input(arguments[0], block)) for block in blocks]
        if layer.out_bound is not None:
            weights = layer.normalised_weight()
            found += [
                summarise(
                    layer.product(layer.block_input(arguments[0], block), layer.block_weight(weights, block))
                )
                for block in blocks
            ]
        if layer.output_range is not None:
            found.append(summarise(ACTIVATIONS[layer.fused](outputs)))
        new = torch.stack(found)
        widest[layer] = torch.maximum(widest.get(layer, new), new)

    handles = [layer.register_forward_hook(observe) for layer in layers]
    count = 0
    try:
        with floating_point(net):
            for count, batch in enumerate(batches, start=1):
                place, weight = f"batches[{count - 1}]", layers[0].weight
                inputs = batch_of(place, batch, weight).inputs
                if any(part.numel() == 0 for part in inputs.tensors):
                    raise ValueError(f"`{place}` must have at least one number, got {inputs}")
                with explained(place, inputs):
                    inputs.copied_to(weight.device).into(net)
                for layer, new in widest.items():
                    n_seen[layer] += 1
                    old = ranges.get(layer, new)
                    is_max = method == "max"
                    ranges[layer] = torch.maximum(old, new) if is_max else old + (new - old) / n_seen[layer]
                widest.clear()
    finally:
        for handle in handles:
            handle.remove()
    if count == 0:
        raise ValueError("at least one batch must be given to calibrate, got none")
    idle = [name for name, layer in analog_layers(net) if layer not in ranges]
    if idle:
        raise ValueError(
            f"every analog layer must run in evaluation mode, got none of `{'`, `'.join(idle)}` in any batch: "
            "give them to hwsim.to_analog as `digital_layers`"
        )
    broken = [
        name
        for name, layer in analog_layers(net)
        if layer in ranges and not bool(torch.isfinite(ranges[layer]).all())
    ]
    if broken:
        raise ValueError(
            f"inputs of every analog layer must be finite, got NaN or infinity at {', '.join(broken)}: "
            "check the weights and statistics of the layers before"
        )
    needs: dict[AnalogLayer, torch.Tensor] = {}
    for layer, value in ranges.items():
        n_blocks = len(layer.input_range)
        if layer.out_bound is not None:
            needs[layer] = value[n_blocks : 2 * n_blocks]
        value = torch.where(value > 0, value, 1.0)
        layer.input_range.copy_(value[:n_blocks])
        if layer.output_range is not None:
            layer.output_range.copy_(value[-1])
    set_bounds(needs)


@contextmanager
def floating_point(net: nn.Module) -> Iterator[None]:
    """Run `net` digitally and in evaluation mode inside the context."""
    training = {module: module.training for module in net.modules()}
    net.eval()
    try:
        with _executed(net, replace(NOMINAL, digital=True)):
            yield
    finally:
        for module, mode in training.items():
            module.training = mode


@torch.no_grad()
def bears_channels_last(net: nn.Module, *inputs: Any, **options: Any) -> bool:
    """Whether `net`, in its mode, runs on these arguments while convolutions leave channels last."""
    inputs, options = tree_map_only(torch.Tensor, torch.clone, (inputs, options))  # a network may change them
    with _unchanged(net), _executed(net, replace(NOMINAL, digital=True, channels_last=True)):
        try:
            net(*inputs, **options)
        except RuntimeError:  # of a `view`, which wants another order in memory
            return False
    return True


@contextmanager
def _executed(net: nn.Module, execution: Execution) -> Iterator[None]:
    layers = [layer for _, layer in analog_layers(net)]
    executions = [layer.execution for layer in layers]
    for layer in layers:
        layer.execution = execution
    try:
        yield
    finally:
        for layer, before in zip(layers, executions, strict=True):
            layer.execution = before


@contextmanager
def _unchanged(net: nn.Module) -> Iterator[None]:
    """Put back what a run in training mode changes: statistics, and where torch's random numbers are."""
    digital = [module for module in net.modules() if not isinstance(module, AnalogLayer)]
    buffers = [(module, dict(module._buffers)) for module in digital]
    values = [
        (buffer, buffer.clone()) for _, held in buffers for buffer in held.values() if buffer is not None
    ]
    cuda = {parameter.device for parameter in net.parameters() if parameter.is_cuda}
    with torch.random.fork_rng(list(cuda)):
        try:
            yield
        finally:
            for module, held in buffers:
                module._buffers.update(held)
            for buffer, value in values:
                buffer.copy_(value)


def _summary(method: Method, n_std: float, quantile: float) -> Callable[[torch.Tensor], torch.Tensor]:
    if method == "std":
        n_std = number("n_std", n_std, above=0)
        return lambda x: x.std(correction=0) * n_std
    if method == "quantile":
        quantile = number("quantile", quantile, above=0, most=1)
        return lambda x: _quantile(x, quantile)
    if method == "max":
        return lambda x: x.abs().amax()
    raise ValueError(f"`method` must be std, quantile or max, got {shown(method)}")


def _quantile(x: torch.Tensor, quantile: float) -> torch.Tensor:
    magnitude = x.abs().flatten()
    magnitude = magnitude[:: -(-len(magnitude) // _LARGEST_SORT)]
    return _smallest(magnitude, max(1, round(quantile * len(magnitude))))


def _smallest(values: torch.Tensor, k: int) -> torch.Tensor:
    """Return the k-th smallest of `(n,)` values, counted from 1; NaN is larger than any other.

    A sample tells what is below it with near certainty, and only the rest is searched: selection is slow beside a
    comparison.
    """
    n = len(values)
    sample = values[:: max(1, n // _SAMPLE)]
    share = k / n
    below = int(len(sample) * share - 5 * math.sqrt(len(sample) * share * (1 - share))) - 1
    if n > 4 * _SAMPLE and below > 0:
        rest = values[~(values <= sample.kthvalue(below).values)]  # NaN stays
        if len(rest) > n - k:
            return rest.kthvalue(k - (n - len(rest))).values
    return values.kthvalue(k).values
