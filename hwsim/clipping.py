"""Clips weights at a number of standard deviations of their layer, so that few outliers do not set its scale."""

from __future__ import annotations

import torch
from torch import nn

from hwsim.arguments import number, require
from hwsim.modules import AnalogLayer


@torch.no_grad()
def clip_weights(net: nn.Module, sigma: float = 2.0) -> None:
    """Clip the trained weights of each linear and convolutional layer, digital or analog; call it after each update.

    The first of the two stages of AnalogNets trains a digital network so.

    Args:
        net: any torch network.
        sigma: weights are clipped at this many standard deviations of their layer, as they are now.

    Raises:
        ValueError: for a `sigma` of 0 or below.
        TypeError: for an argument of another type.

    Example:
        >>> layer = nn.Linear(100, 100)
        >>> clip_weights(layer)
        >>> bool(layer.weight.abs().max() > 2.2 * layer.weight.std())
        False
    """
    require(net, nn.Module, "`net` must be a torch module")
    sigma = number("sigma", sigma, above=0)
    for module in net.modules():
        if (
            isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | AnalogLayer)
            and module.weight.requires_grad
        ):
            clip_(module.weight, sigma)


@torch.no_grad()
def clip_(weight: torch.Tensor, sigma: float) -> None:
    """Clip in place at `sigma` standard deviations; weights that are all equal stay."""
    bound = float(weight.std(correction=0)) * sigma
    if bound > 0:
        weight.clamp_(-bound, bound)
