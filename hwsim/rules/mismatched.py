"""A network on a device whose weights differ from what was written: W (1 + gap ξ), ξ normal, its own and fixed."""

from __future__ import annotations

from typing import final

import torch
from torch import nn

from hwsim.arguments import number, require, whole
from hwsim.rules.network import NetworkSystem, product, weights_of
from hwsim.streams import standard_normal, stream


@final
class MismatchedNetwork(NetworkSystem):
    """A network on a device whose weights differ from what was written; its biases do not.

    Args:
        net: a digital network, trained in place; its fully connected and convolutional layers are on the device.
        gap: standard deviation of a weight's relative error.
        seed: of the errors.

    Raises:
        ValueError: for a network without such layers, or with padding other than zeros, or a negative gap.
        TypeError: for an argument of another type.

    Example:
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> MismatchedNetwork(net, gap=0.3).measure(torch.ones(5, 4)).shape
        torch.Size([5, 2])
    """

    def __init__(self, net: nn.Module, gap: float, seed: int = 0) -> None:
        require(net, nn.Module, "`net` must be a torch module")
        gap, seed = number("gap", gap, least=0), whole("seed", seed)
        kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
        layers = {name: module for name, module in net.named_modules() if type(module) in kinds}
        if not layers:
            raise ValueError("`net` must have a fully connected or convolutional layer, got none")
        for name, layer in layers.items():
            if getattr(layer, "padding_mode", "zeros") != "zeros":
                raise ValueError(f"`{name}` must have `padding_mode='zeros'`, got {layer.padding_mode!r}")
        super().__init__(net, layers)
        self._factors = {
            name: 1 + gap * standard_normal(weights_of(layer)[0], stream(seed, "mismatch", name))
            for name, layer in layers.items()
        }

    def held(self, name: str) -> torch.Tensor:
        """Return the weights with their errors."""
        weight = weights_of(self.layers[name])[0].detach()
        return weight * self._factors[name].to(weight)

    def _output(self, name: str, x: torch.Tensor) -> torch.Tensor:
        layer = self.layers[name]
        return product(layer, x, self.held(name), weights_of(layer)[1])
