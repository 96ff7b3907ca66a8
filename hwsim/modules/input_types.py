"""Whether numbers have the type of a layer's weights."""

from __future__ import annotations

import torch


def require_type(what: str, given: torch.Tensor, weight: torch.Tensor) -> None:
    """Raise TypeError unless `given`, which the caller calls `what`, has the type of the weights, or autocast is on."""
    if given.dtype != weight.dtype and not torch.is_autocast_enabled(given.device.type):
        wanted = str(weight.dtype)
        raise TypeError(f"{what} must be {wanted} as the weights are, got {given.dtype}: pass x.to({wanted})")
