"""Convolutions on crossbar tiles, of one to three dimensions.

The matrix of a convolution has one row for each input channel and kernel position. A row block computes as a
convolution over the channels that it touches, with zeros for the rows that lie outside of it.
"""

from __future__ import annotations

from abc import ABC
from typing import final

import torch
from torch import nn
from torch.nn import functional as F

from hwsim.arguments import require
from hwsim.hardware import Hardware
from hwsim.modules.layer import AnalogLayer
from hwsim.modules.plain_layer import with_parameters


class _AnalogConv(AnalogLayer, ABC):
    """What the convolutions share; sizes go by the names they have in torch."""

    def __init__(self, layer: nn.Conv1d | nn.Conv2d | nn.Conv3d, hardware: Hardware) -> None:
        self._positions = layer.weight[0, 0].numel()
        self.in_channels = layer.in_channels
        self.out_channels = layer.out_channels
        self.kernel_size = layer.kernel_size
        self.groups = layer.groups
        self.stride = layer.stride
        self.dilation = layer.dilation
        self.padding_mode = layer.padding_mode
        self.padding = layer.padding
        self._edges: list[int] = list(layer._reversed_padding_repeated_twice)
        super().__init__(layer.weight, layer.bias, hardware, layer.groups)

    @property
    def _zeros(self) -> tuple[int, ...] | str:
        """What the convolution pads itself; 0 where the padding mode needs explicit padding."""
        return self.padding if self.padding_mode == "zeros" else (0,) * (self.weight.ndim - 2)

    def pad(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the inputs padded as a padding mode other than zeros asks."""
        if self.padding_mode == "zeros":
            return inputs
        return F.pad(inputs, self._edges, mode=self.padding_mode)

    def block_input(self, inputs: torch.Tensor, block: int) -> torch.Tensor:
        """Return the channels, of every group, that a row block touches."""
        if (
            inputs.ndim == 4 and not self.execution.many_chips
        ):  # the layout of the fast convolutions and of the compiled converters
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        if len(self.mapping.blocks) == 1:
            return inputs
        first, last = self._group_channels(block)
        if self.groups == 1:
            return inputs[:, first:last]
        grouped = inputs.view(len(inputs), self.groups, -1, *inputs.shape[2:])
        return grouped[:, :, first:last].flatten(1, 2)

    def block_weight(self, weights: torch.Tensor, block: int) -> torch.Tensor:
        """Return the weights of the touched channels, zero outside the block's rows."""
        if len(self.mapping.blocks) == 1:
            return weights
        first, last = self._group_channels(block)
        row0, row1 = self.mapping.blocks[block]
        part = weights[:, first:last]
        if row0 == first * self._positions and row1 == last * self._positions:
            return part
        row = torch.arange(first * self._positions, last * self._positions, device=weights.device)
        inside = ((row >= row0) & (row < row1)).view(part.shape[1:])
        return part * inside

    def check_input(self, inputs: torch.Tensor) -> None:
        """Raise ValueError unless inputs are `(batch, channels, *space)`."""
        if inputs.ndim != self.weight.ndim or inputs.shape[1] != self.in_channels:
            space = ", ".join(("depth", "height", "width")[-(self.weight.ndim - 2) :])
            raise ValueError(
                f"inputs must be `(batch, {self.in_channels}, {space})`, got {tuple(inputs.shape)}"
            )

    def extra_repr(self) -> str:
        """Return the layer's size for `print`."""
        kernel = tuple(self.weight.shape[2:])
        return (
            f"{self.in_channels}, {self.weight.shape[0]}, kernel_size={kernel}, "
            f"groups={self.groups}, tiles={len(self.mapping.tiles)}"
        )

    def vectors(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the patches that the kernel covers, `(batch, positions, groups, rows of a group)`."""
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        image = F.pad(inputs, self._edges, mode=mode)
        kernel, n = tuple(self.weight.shape[2:]), self.weight.ndim - 2
        dilation, stride = tuple(self.dilation), tuple(self.stride)
        if n == 3:  # torch unfolds images alone
            for at, (side, step, jump) in enumerate(zip(kernel, dilation, stride, strict=True)):
                image = image.unfold(2 + at, step * (side - 1) + 1, jump)[..., ::step]
            patches = image.movedim(1, 4).flatten(4).flatten(1, 3)
            return patches.reshape(*patches.shape[:-1], self.groups, -1)
        if n == 1:
            image, kernel, dilation, stride = image.unsqueeze(2), (1, *kernel), (1, *dilation), (1, *stride)
        patches = F.unfold(image, kernel, dilation, 0, stride)
        patches = patches.movedim(1, -1)
        return patches.reshape(*patches.shape[:-1], self.groups, -1)

    def fold(self, outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Return the outputs with channels first and their positions as space."""
        kernel = zip(self.weight.shape[2:], self.dilation, self.stride, strict=True)
        edges = [self._edges[i] + self._edges[i + 1] for i in range(0, len(self._edges), 2)][::-1]
        space = [
            (size + edge - step * (width - 1) - 1) // stride + 1
            for size, edge, (width, step, stride) in zip(inputs.shape[2:], edges, kernel, strict=True)
        ]
        return outputs.movedim(-1, 1).reshape(len(inputs), -1, *space)

    def laid_out(self, outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Return the outputs in the order in memory that torch would leave, or with channels side by side."""
        if self.execution.many_chips:
            return outputs
        if outputs.ndim == 4:
            channels_last = inputs.is_contiguous(memory_format=torch.channels_last)
            if self.execution.channels_last or (channels_last and not inputs.is_contiguous()):
                return outputs.contiguous(memory_format=torch.channels_last)
        return outputs.contiguous()

    def digital(self) -> nn.Module:
        """Return the torch convolution with the same parameters."""
        kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[self.weight.ndim - 3]
        layer = kind(
            self.in_channels,
            self.weight.shape[0],
            tuple(self.weight.shape[2:]),  # type: ignore[arg-type]  # as many numbers as `kind` wants
            self.stride,  # type: ignore[arg-type]
            self.padding,  # type: ignore[arg-type]
            self.dilation,  # type: ignore[arg-type]
            self.groups,
            self.bias is not None,
            self.padding_mode,
        )
        return with_parameters(layer, self)

    def _group_channels(self, block: int) -> tuple[int, int]:
        row0, row1 = self.mapping.blocks[block]
        return row0 // self._positions, -(-row1 // self._positions)


@final
class AnalogConv1d(_AnalogConv):
    """`torch.nn.Conv1d` on crossbar tiles."""

    def __init__(self, layer: nn.Conv1d, hardware: Hardware) -> None:
        require(layer, nn.Conv1d, "`layer` must be a torch.nn.Conv1d")
        super().__init__(layer, hardware)

    @property
    def channel_dim(self) -> int:
        """The second of three dimensions."""
        return -2

    def product(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the convolution without bias."""
        return F.conv1d(self.pad(inputs), weights, None, self.stride, self._zeros, self.dilation, self.groups)


@final
class AnalogConv2d(_AnalogConv):
    """`torch.nn.Conv2d` on crossbar tiles."""

    def __init__(self, layer: nn.Conv2d, hardware: Hardware) -> None:
        require(layer, nn.Conv2d, "`layer` must be a torch.nn.Conv2d")
        super().__init__(layer, hardware)

    @property
    def channel_dim(self) -> int:
        """The second of four dimensions."""
        return -3

    def product(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the convolution without bias."""
        return F.conv2d(self.pad(inputs), weights, None, self.stride, self._zeros, self.dilation, self.groups)


@final
class AnalogConv3d(_AnalogConv):
    """`torch.nn.Conv3d` on crossbar tiles."""

    def __init__(self, layer: nn.Conv3d, hardware: Hardware) -> None:
        require(layer, nn.Conv3d, "`layer` must be a torch.nn.Conv3d")
        super().__init__(layer, hardware)

    @property
    def channel_dim(self) -> int:
        """The second of five dimensions."""
        return -4

    @property
    def is_fusible(self) -> bool:
        """False: compiled stages have images of two dimensions at most."""
        return False

    def product(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the convolution without bias."""
        return F.conv3d(self.pad(inputs), weights, None, self.stride, self._zeros, self.dilation, self.groups)
