"""`torch.nn.ConvTranspose1d` and `ConvTranspose2d` on crossbar tiles.

Each place of the input is a vector of its channels, which the tiles multiply by a matrix with a column for each output
channel and kernel position. What these columns give is added where windows overlap, digitally, and so is the bias.
The matrix is that of a convolution with a kernel of one place, which is the array: `array` below.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import nn
from torch.nn import functional as F

from hwsim.arguments import require
from hwsim.hardware import Hardware
from hwsim.modules.composite import AnalogComposite
from hwsim.modules.convolution import AnalogConv1d, AnalogConv2d


class _AnalogConvTranspose(AnalogComposite, ABC):
    """What the transposed convolutions share; sizes go by the names they have in torch."""

    bias: nn.Parameter | None

    def __init__(self, layer: nn.ConvTranspose1d | nn.ConvTranspose2d, hardware: Hardware) -> None:
        super().__init__()
        require(hardware, Hardware, "`hardware` must be hwsim.Hardware", "hwsim.preset(name) gives one")
        self.in_channels, self.out_channels = layer.in_channels, layer.out_channels
        self.kernel_size, self.stride, self.dilation = layer.kernel_size, layer.stride, layer.dilation
        self.padding: tuple[int, ...] = tuple(int(side) for side in layer.padding)
        self.output_padding, self.groups = layer.output_padding, layer.groups
        n = len(self.kernel_size)
        kind, analog = ((nn.Conv1d, AnalogConv1d), (nn.Conv2d, AnalogConv2d))[n - 1]
        columns = self.out_channels * math.prod(self.kernel_size)
        plain: Any = kind(self.in_channels, columns, 1, groups=self.groups, bias=False, device="meta")
        by_group = layer.weight.detach().view(self.groups, self.in_channels // self.groups, -1)
        matrix = by_group.mT.reshape(columns, -1, *[1] * n)
        plain.weight = nn.Parameter(matrix, layer.weight.requires_grad)
        self.array = analog(plain, hardware)
        bias = layer.bias
        own = None if bias is None else nn.Parameter(bias.detach().clone(), bias.requires_grad)
        self.register_parameter("bias", own)

    def forward(
        self,
        input: torch.Tensor,  # noqa: A002  # as in torch
        output_size: Sequence[int] | None = None,
    ) -> torch.Tensor:
        """Return the transposed convolution, as torch's layer does.

        Raises:
            ValueError: for inputs of another shape, or an output size that cannot be.
        """
        n = len(self.kernel_size)
        require(input, torch.Tensor, "inputs must be a tensor")
        if input.ndim not in (n + 1, n + 2) or input.shape[-n - 1] != self.in_channels:
            space = ", ".join(("height", "width")[-n:])
            raise ValueError(
                f"inputs must be `(batch, {self.in_channels}, {space})`, got {tuple(input.shape)}"
            )
        is_batch = input.ndim == n + 2
        inputs = input if is_batch else input.unsqueeze(0)
        outputs = self._added_up(self.array(inputs), self._further(inputs.shape[2:], output_size))
        if self.bias is not None:
            outputs = outputs + self.bias.view(-1, *[1] * n)
        return outputs if is_batch else outputs.squeeze(0)

    def extra_repr(self) -> str:
        """Return the layer's size for `print`."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )

    def digital(self) -> nn.Module:
        """Return torch's layer with the same parameters."""
        n = len(self.kernel_size)
        kind: Any = (nn.ConvTranspose1d, nn.ConvTranspose2d)[n - 1]
        layer: nn.ConvTranspose2d = kind(
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.bias is not None,
            self.dilation,
        )
        matrix = self.array.digital_weight().view(self.groups, -1, self.in_channels // self.groups).mT
        weight = matrix.reshape(layer.weight.shape)
        layer.weight = nn.Parameter(weight, self.array.weight.requires_grad)
        if self.bias is not None:
            layer.bias = nn.Parameter(self.bias.detach().clone(), self.bias.requires_grad)
        return layer.train(self.training)

    def _further(self, space: Sequence[int], output_size: Sequence[int] | None) -> tuple[int, ...]:
        """Return how much larger each side of the output is than its smallest."""
        if output_size is None:
            return tuple(self.output_padding)
        wanted = tuple(output_size)[-len(space) :]
        sides = zip(space, self.kernel_size, self.stride, self.dilation, self.padding, strict=True)
        least = [
            (size - 1) * stride + step * (side - 1) + 1 - 2 * edge for size, side, stride, step, edge in sides
        ]
        most = [
            low + max(stride, step) - 1
            for low, stride, step in zip(least, self.stride, self.dilation, strict=True)
        ]
        if len(wanted) != len(space) or any(
            not low <= size <= high for size, low, high in zip(wanted, least, most, strict=True)
        ):
            raise ValueError(f"`output_size` must be between {least} and {most}, got {tuple(output_size)}")
        return tuple(size - low for size, low in zip(wanted, least, strict=True))

    def _added_up(self, columns: torch.Tensor, further: tuple[int, ...]) -> torch.Tensor:
        """Return the outputs of all places added where their windows overlap, and cut at the padding."""
        space = columns.shape[2:]
        kernel, stride, dilation = self.kernel_size, self.stride, self.dilation
        whole = [
            (size - 1) * step + reach * (side - 1) + 1
            for size, side, step, reach in zip(space, kernel, stride, dilation, strict=True)
        ]
        one = (1,) if len(space) == 1 else ()
        image = F.fold(
            columns.flatten(2), (*one, *whole), (*one, *kernel), (*one, *dilation), 0, (*one, *stride)
        )
        edges = [
            end
            for edge, more in zip(self.padding[::-1], further[::-1], strict=True)
            for end in (-edge, more - edge)
        ]
        return F.pad(image.squeeze(2) if one else image, edges)


@final
class AnalogConvTranspose1d(_AnalogConvTranspose):
    """`torch.nn.ConvTranspose1d` on crossbar tiles."""

    def __init__(self, layer: nn.ConvTranspose1d, hardware: Hardware) -> None:
        require(layer, nn.ConvTranspose1d, "`layer` must be a torch.nn.ConvTranspose1d")
        super().__init__(layer, hardware)


@final
class AnalogConvTranspose2d(_AnalogConvTranspose):
    """`torch.nn.ConvTranspose2d` on crossbar tiles."""

    def __init__(self, layer: nn.ConvTranspose2d, hardware: Hardware) -> None:
        require(layer, nn.ConvTranspose2d, "`layer` must be a torch.nn.ConvTranspose2d")
        super().__init__(layer, hardware)
