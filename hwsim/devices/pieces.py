"""Element-wise work in pieces that stay in the processor's cache.

Programming or reading a device takes some twenty operations. One operation after the other over all devices of a large
network would fetch them from memory each time, and hold several results as large as the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

PIECE: Final = 1 << 15
"""Devices of a piece, 128 KiB a tensor: a multiple of the vector units' width, whose rest is rounded differently."""


def pieces(*tensors: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield the same devices of all tensors, `(devices,)` each, on a CPU `PIECE` of them at a time.

    What is written to a piece of a contiguous tensor is written to the tensor.

    Example:
        >>> import torch
        >>> g_us = torch.ones(2, 40_000)
        >>> [piece.mul_(3).shape[0] for (piece,) in pieces(g_us)], float(g_us.min())
        ([32768, 32768, 14464], 3.0)
    """
    flat = [tensor.reshape(-1) for tensor in tensors]
    n = flat[0].shape[0]
    step = PIECE if flat[0].device.type == "cpu" else max(1, n)
    for start in range(0, n, step):
        yield tuple(tensor[start : start + step] for tensor in flat)
