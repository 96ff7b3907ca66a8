"""What a layer is called with: tensors of the type of its weights."""

from __future__ import annotations

from typing import Any

import torch

from hwsim.arguments import require


def require_like(weight: torch.Tensor, what: str, given: Any, rule: str) -> None:
    """Raise TypeError unless `given`, which the caller calls `what`, is a tensor of the weights' type.

    Autocast leaves the type to torch.

    Args:
        weight: of the layer.
        what: begins the message on another type.
        given: by the caller.
        rule: the message on anything but a tensor, up to the word "got".
    """
    require(given, torch.Tensor, rule)
    if given.dtype != weight.dtype and not torch.is_autocast_enabled(given.device.type):
        wanted = str(weight.dtype)
        raise TypeError(f"{what} must be {wanted} as the weights are, got {given.dtype}: pass x.to({wanted})")
