"""Networks whose feature maps and kernels keep the channels of a place side by side in memory."""

from __future__ import annotations

import torch
from torch import nn


def to_channels_last(network: nn.Module, device: torch.device | None = None) -> None:
    """Move a network to a device, None where it stays, and its four-dimensional weights into this layout, in place."""
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
