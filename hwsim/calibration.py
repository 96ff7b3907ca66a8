"""Static input ranges: what the DAC of each layer must span, measured on batches of inputs.

The network runs in floating point on the batches, and each layer's inputs are summarised by the running
mean over batches of three standard deviations. A layer that sees only zeros gets the range 1.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023 (3 σ, averaged over about 100 batches).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from hwsim.conversion import analog_layers
from hwsim.modules import NOMINAL, AnalogLayer


@torch.no_grad()
def calibrate(net: nn.Module, batches: Iterable[torch.Tensor], *, n_std: float = 3.0) -> None:
    """Set the input range of every analog layer from `batches` of inputs.

    Args:
        net: an analog network; batch norm uses its running statistics whatever the network's mode.
        batches: inputs of the network.
        n_std: input range in standard deviations of the inputs.

    Raises:
        ValueError: for no batches, an empty batch, or inputs that are not finite.
    """
    sums: dict[AnalogLayer, torch.Tensor] = {}

    def observe(layer: nn.Module, arguments: tuple[Any, ...]) -> None:
        assert isinstance(layer, AnalogLayer)
        ranges = torch.stack(
            [
                layer.block_input(arguments[0], block).std(correction=0) * n_std
                for block in range(len(layer.mapping.blocks))
            ]
        )
        sums[layer] = sums[layer] + ranges if layer in sums else ranges

    layers = [layer for _, layer in analog_layers(net)]
    handles = [layer.register_forward_pre_hook(observe) for layer in layers]
    count = 0
    try:
        with _floating_point(net):
            for count, batch in enumerate(batches, start=1):
                if batch.numel() == 0:
                    raise ValueError(f"every batch must have at least one input, got batch {count} empty")
                if not bool(torch.isfinite(batch).all()):
                    raise ValueError(f"inputs must be finite, got NaN or infinity in batch {count}")
                net(batch)
    finally:
        for handle in handles:
            handle.remove()
    if count == 0:
        raise ValueError("at least one batch must be given to calibrate, got none")
    for layer, total in sums.items():
        ranges = total / count
        layer.input_range.copy_(torch.where(ranges > 0, ranges, 1.0))


@contextmanager
def _floating_point(net: nn.Module) -> Iterator[None]:
    """Run `net` digitally and in evaluation mode inside the context."""
    training = {module: module.training for module in net.modules()}
    layers = [layer for _, layer in analog_layers(net)]
    executions = [layer.execution for layer in layers]
    net.eval()
    for layer in layers:
        layer.execution = replace(NOMINAL, digital=True)
    try:
        yield
    finally:
        for layer, execution in zip(layers, executions, strict=True):
            layer.execution = execution
        for module, mode in training.items():
            module.training = mode
