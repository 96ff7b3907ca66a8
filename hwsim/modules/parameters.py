"""Parameters that an analog layer takes over from a digital one, and gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from hwsim.modules.layer import AnalogLayer


def own_parameter(tensor: torch.Tensor) -> nn.Parameter:
    """Return a copy that is trained if `tensor` is; what a parametrization computes always is."""
    is_trained = tensor.requires_grad or not isinstance(tensor, nn.Parameter)
    return nn.Parameter(tensor.detach().clone(), is_trained)


def with_parameters(layer: nn.Linear | nn.Conv1d | nn.Conv2d, analog: AnalogLayer) -> nn.Module:
    """Return the plain `layer` with the parameters of `analog`."""
    layer.weight = nn.Parameter(analog.digital_weight(), analog.weight.requires_grad)
    if analog.bias is not None:
        layer.bias = nn.Parameter(analog.bias.detach().clone(), analog.bias.requires_grad)
    return layer.train(analog.training)
