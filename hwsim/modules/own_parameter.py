"""A parameter of an analog layer from one of torch's layer."""

from __future__ import annotations

import torch
from torch import nn


def own_parameter(tensor: torch.Tensor) -> nn.Parameter:
    """Return a copy that is trained if `tensor` is; what a parametrization computes always is."""
    is_trained = tensor.requires_grad or not isinstance(tensor, nn.Parameter)
    return nn.Parameter(tensor.detach().clone(), is_trained)
