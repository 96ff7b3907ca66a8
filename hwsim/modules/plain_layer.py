"""From an analog layer of one array back to the plain layer of torch."""

from __future__ import annotations

from torch import nn

from hwsim.modules.layer import AnalogLayer


def with_parameters(layer: nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d, analog: AnalogLayer) -> nn.Module:
    """Return the plain `layer` with the parameters of `analog`."""
    layer.weight = nn.Parameter(analog.digital_weight(), analog.weight.requires_grad)
    if analog.bias is not None:
        layer.bias = nn.Parameter(analog.bias.detach().clone(), analog.bias.requires_grad)
    return layer.train(analog.training)
