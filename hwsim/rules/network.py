"""Networks whose products with weights run on a device, layer by layer; everything between them is digital.

A layer's product is linear in its inputs and in its weights. What a rule lets go back is therefore a product, too: the
gradient of the weights is that of the measured inputs and the error, and the error goes on through the weights of the
model, those of the array, random ones, or not at all.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

import torch
from torch import nn
from torch.nn import functional as F

from hwsim.arguments import require
from hwsim.modules import AnalogLayer, AnalogLinear
from hwsim.rules.system import Feedback, Layered, Modelled, PhysicalSystem, Reciprocal

_Pass: TypeAlias = Callable[[str, torch.Tensor], torch.Tensor]
"""Name and inputs of a layer → its outputs."""


class NetworkSystem(PhysicalSystem, Modelled, Layered, Reciprocal):
    """A network with some layers on a device.

    Args:
        net: trained in place. It runs in the mode that it is in, training or evaluation.
        layers: those on the device, by name.

    Attributes:
        net: the same network.
        layers: the same layers.
    """

    def __init__(self, net: nn.Module, layers: Mapping[str, nn.Module]) -> None:
        super().__init__(parameter for parameter in net.parameters() if parameter.requires_grad)
        self.net, self.layers = net, dict(layers)

    @abstractmethod
    def _output(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Return what a layer on the device makes of its inputs, biases included."""

    @abstractmethod
    def held(self, name: str) -> torch.Tensor:
        """Return the weights that the array of a layer holds, in the shape and unit of the layer's own."""

    @property
    def input_width(self) -> int | None:
        """Inputs of the first module where that is a fully connected layer, else None."""
        first = next(_flat(self.net), None)
        return first.in_features if isinstance(first, nn.Linear | AnalogLinear) else None

    def _measure(self, x: torch.Tensor) -> torch.Tensor:
        with self._running(self._output):
            return _tensor(self.net(x))

    def model(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the network computes with ideal products."""
        with self._running(self._ideal):
            return _tensor(self.net(x))

    def measured_with_model(self, x: torch.Tensor) -> torch.Tensor:
        """Return measured outputs; errors go back through the weights that the controller believes in."""
        return self.measured_with_feedback(x, lambda name, weight: weight)

    def measured_both_ways(self, x: torch.Tensor) -> torch.Tensor:
        """Return measured outputs; errors go back through the weights that the arrays hold."""
        self.passes.backward += 1
        return self.measured_with_feedback(x, lambda name, weight: self.held(name))

    def measured_with_feedback(self, x: torch.Tensor, feedback: Feedback) -> torch.Tensor:
        """Return measured outputs; errors go back through the weights that `feedback` gives for each layer."""
        self.passes.forward += 1
        with self._running(partial(self._measured, feedback)):
            return _tensor(self.net(x))

    def local_outputs(
        self, x: torch.Tensor, between: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> list[torch.Tensor]:
        """Return the measured outputs of each layer with what follows it, gradients ending at its inputs.

        Raises:
            ValueError: for a network that is no torch.nn.Sequential of single layers.
        """
        blocks = self._blocks()
        self.passes.forward += 1
        outputs: list[torch.Tensor] = []
        with self._running(partial(self._measured, lambda name, weight: None)):
            for block in blocks:
                x = x.detach() if between is None or not outputs else between(x.detach())
                for module in block:
                    x = module(x)
                outputs.append(x)
        return outputs

    def _measured(self, feedback: Feedback, name: str, x: torch.Tensor) -> torch.Tensor:
        layer = self.layers[name]
        weight, bias = weights_of(layer)
        back = feedback(name, weight)
        if back is weight:
            linear = product(layer, x, weight, bias)
        else:
            linear = product(layer, x.detach(), weight, bias)
            if back is not None:
                linear = linear + product(layer, x, back, None)
        with torch.no_grad():
            y = self._output(name, x)
        return y + (linear - linear.detach())  # the values of the device, the gradients of the products

    def _ideal(self, name: str, x: torch.Tensor) -> torch.Tensor:
        layer = self.layers[name]
        return product(layer, x, *weights_of(layer))

    @contextmanager
    def _running(self, run: _Pass) -> Iterator[None]:
        """Let the layers on the device compute with `run` for a while."""
        try:
            for name, layer in self.layers.items():
                layer.__dict__["forward"] = partial(run, name)
            yield
        finally:
            for layer in self.layers.values():
                layer.__dict__.pop("forward", None)

    def _blocks(self) -> list[list[nn.Module]]:
        """Return the modules in their order, each layer on the device with those that follow it."""
        on_device = set(self.layers.values())
        found: list[list[nn.Module]] = [[]]
        n_layers = 0
        for module in _flat(self.net):
            if module in on_device:
                if n_layers:
                    found.append([])
                n_layers += 1
            elif on_device & set(module.modules()):
                raise ValueError(
                    "`net` must be a torch.nn.Sequential of single layers for a rule with local errors, got "
                    f"{type(module).__name__}: use FeedbackAlignment or PhysicsAware, which take any network"
                )
            found[-1].append(module)
        return found


def weights_of(layer: nn.Module) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return weights and biases of a layer."""
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, torch.Tensor) and isinstance(bias, torch.Tensor | None)
    return weight, bias


def product(
    layer: nn.Module, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """Return the ideal product of a layer's kind with any weights."""
    if isinstance(layer, AnalogLayer):
        y = layer.product(x, weight)
        return y if bias is None else y + bias.view((-1,) + (1,) * (-layer.channel_dim - 1))
    if isinstance(layer, nn.Linear):
        return F.linear(x, weight, bias)
    assert isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    convolution = {nn.Conv1d: F.conv1d, nn.Conv2d: F.conv2d, nn.Conv3d: F.conv3d}[type(layer)]
    return convolution(x, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)


def _flat(module: nn.Module) -> Iterator[nn.Module]:
    if type(module) is nn.Sequential:
        for child in module:
            yield from _flat(child)
    else:
        yield module


def _tensor(y: object) -> torch.Tensor:
    require(y, torch.Tensor, "`net` must return a tensor")
    assert isinstance(y, torch.Tensor)
    return y
