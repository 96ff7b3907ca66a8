"""A network together with the normalisation of its inputs.

Every exported file takes the task's raw inputs: its users need not know the statistics that the network was trained
with, and cannot get them wrong.

    y = network((x - mean) / std),   mean and std by channel, or by channel and column
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

TENSORS: Final = ("mean", "std")
"""Names of the two tensors that every exported network owns besides its layers."""


class Standardised(nn.Module):
    """A classifier of raw inputs.

    Args:
        network: takes standardised inputs `(batch, *input_shape)` float32, returns logits `(batch, classes)`.
        mean: over the training split: as many values as `input_shape[0]`, or one for all, or a tensor that broadcasts
            against an input.
        std: likewise; above 0.
        input_shape: of one raw input, channels first: `(channels, height, width)`, `(channels, time)` or
            `(features,)`.

    Raises:
        ValueError: when the statistics do not fit the input shape or are not usable numbers.

    >>> Standardised(nn.Flatten(), [0.5], [0.25], (1, 1, 2))(torch.tensor([[[[0.0, 1.0]]]])).tolist()
    [[-2.0, 2.0]]
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: Tensor | Sequence[float],
        std: Tensor | Sequence[float],
        input_shape: Sequence[int],
    ) -> None:
        super().__init__()
        self.input_shape: tuple[int, ...] = tuple(int(size) for size in input_shape)
        if not self.input_shape or min(self.input_shape) < 1:
            raise ValueError(f"`input_shape` must hold sizes of at least 1, got {self.input_shape}")
        self.network = network
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, _broadcasting(name, values, self.input_shape))
        if not bool((self.std > 0).all()):
            raise ValueError(f"`std > 0` must hold everywhere, got {self.std.flatten().tolist()}")

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(batch, classes)` of raw inputs `(batch, *input_shape)` float32."""
        logits: Tensor = self.network((x - self.mean) / self.std)
        return logits


def _broadcasting(name: str, values: Tensor | Sequence[float], input_shape: tuple[int, ...]) -> Tensor:
    """Return the values as float32 that broadcast over a batch of inputs: `(channels, 1, ...)`, or their own shape."""
    shaped = torch.as_tensor(values, dtype=torch.float32).clone()
    if shaped.ndim <= 1:
        shaped = shaped.reshape(-1, *[1] * (len(input_shape) - 1))
    fits = shaped.ndim == len(input_shape) and all(
        size in (1, whole) for size, whole in zip(shaped.shape, input_shape, strict=True)
    )
    if not fits or not bool(torch.isfinite(shaped).all()):
        raise ValueError(
            f"`{name}` must be finite, one value or one for each channel of inputs {input_shape}, "
            f"got {shaped.flatten().tolist()}"
        )
    return shaped
