"""Analog layers: torch modules whose products run on crossbar tiles.

`weight` and `bias` are the digital layer's own float parameters, so that a network can be trained, saved,
loaded and turned back to digital as it is. The tiles hold `weight / γ` with γ the largest magnitude of each
column in each tile; γ, the input range and the bias are digital. Tiles that share their rows share their
input range.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023 (columnwise scales, one static input range a tile).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, final

import torch
from torch import nn
from torch.nn import functional as F

from hwsim.hardware import Hardware
from hwsim.mapping import LayerMapping, map_layer
from hwsim.mvm import Crossbar
from hwsim.noise import NoiseStream


@dataclass(frozen=True)
class Execution:
    """What a layer computes with at the moment.

    Attributes:
        programmed: weights read from a chip, shape of `weight`, units of g_max; None for the layer's own.
        compensation: `(blocks, columns)` drift compensation of the outputs; None for none.
        weight_noise: added to the layer's own weights; None for none.
        noise: where the MVM's noise is drawn from; None for none.
        digital: compute in floating point, without a crossbar.
    """

    programmed: torch.Tensor | None = None
    compensation: torch.Tensor | None = None
    weight_noise: torch.Tensor | None = None
    noise: NoiseStream | None = None
    digital: bool = False


NOMINAL: Final = Execution()
"""Target weights, converters, no noise: what a layer does until it is told otherwise."""


class AnalogLayer(nn.Module, ABC):
    """What the analog layers share: parameters, mapping, and the sum over row blocks.

    Attributes:
        weight: `(columns, ...)` float32, the digital weights.
        bias: `(columns,)` float32 or None, added digitally.
        input_range: `(blocks,)` float32, the input that drives the DAC fully; 0 until calibrated.
        mapping: the layer's tiles.
        execution: what it computes with at the moment.
    """

    bias: nn.Parameter | None
    rows_in_use: torch.Tensor
    row_position: torch.Tensor

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None, hardware: Hardware, groups: int = 1
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.detach().clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.hardware = hardware
        self.crossbar = Crossbar.from_hardware(hardware)
        self.mapping: LayerMapping = map_layer(
            rows=weight[0].numel() * groups,
            columns=weight.shape[0],
            groups=groups,
            tile_rows=hardware.tile.rows,
            tile_columns=hardware.tile.columns,
        )
        initial = 0.0 if hardware.needs_input_range else 1.0
        self.input_range = nn.Parameter(torch.full((len(self.mapping.blocks),), initial), requires_grad=False)
        self.execution = NOMINAL
        self._column_shape = (-1,) + (1,) * (-self.channel_dim - 1)
        in_use = torch.from_numpy(self.mapping.rows_in_use()).float()
        first = torch.from_numpy(self.mapping.first_row()).float()
        row = (
            torch.arange(weight[0].numel()) - torch.tensor([row0 for row0, _ in self.mapping.blocks])[:, None]
        )
        position = (first[:, :, None] + row[:, None, :]) / in_use[:, :, None]
        if groups == 1:  # every column of a block starts at the same row
            position = position[:, :1]
        self.register_buffer("rows_in_use", in_use.view(len(in_use), *self._column_shape), persistent=False)
        self.register_buffer(
            "row_position", position.view(*position.shape[:2], *weight.shape[1:]), persistent=False
        )

    @property
    @abstractmethod
    def channel_dim(self) -> int:
        """Dimension of inputs and outputs that counts rows and columns, negative."""

    @abstractmethod
    def product(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the linear operation without bias."""

    @abstractmethod
    def block_input(self, inputs: torch.Tensor, block: int) -> torch.Tensor:
        """Return the inputs that reach a row block."""

    @abstractmethod
    def block_weight(self, weights: torch.Tensor, block: int) -> torch.Tensor:
        """Return the weights of a row block, matching `block_input`."""

    @abstractmethod
    def digital(self) -> nn.Module:
        """Return the plain torch layer with the same parameters."""

    @abstractmethod
    def check_input(self, inputs: torch.Tensor) -> None:
        """Raise ValueError for inputs of the wrong shape."""

    @property
    def is_fusible(self) -> bool:
        """Whether a compiled stage can do this layer's arithmetic."""
        return self.crossbar.input_noise == 0 and (len(self.mapping.blocks) == 1 or self.mapping.groups == 1)

    def block_channels(self, block: int) -> tuple[int, int]:
        """Return the range of input channels that a row block touches."""
        row0, row1 = self.mapping.blocks[block]
        kernel = self.weight[0, 0].numel()
        return row0 // kernel * self.mapping.groups, -(-row1 // kernel) * self.mapping.groups

    @torch.no_grad()
    def column_scales(self) -> torch.Tensor:
        """Return γ, `(blocks, columns)`: the weight that takes g_max; 0 for an all-zero column."""
        matrix = self.weight.abs().flatten(1)
        return torch.stack([matrix[:, row0:row1].amax(1) for row0, row1 in self.mapping.blocks])

    @torch.no_grad()
    def normalised_weight(self) -> torch.Tensor:
        """Return the weights in units of g_max, -1 to 1, in the shape of `weight`."""
        scales = self.column_scales()
        matrix = self.weight.flatten(1).clone()
        for block, (row0, row1) in enumerate(self.mapping.blocks):
            matrix[:, row0:row1] *= _reciprocal(scales[block]).unsqueeze(1)
        return matrix.view_as(self.weight)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the layer's outputs as `execution` says.

        Raises:
            ValueError: for inputs of the wrong shape, or if the input range is not calibrated.
        """
        self.check_input(inputs)
        digital = self.execution.digital
        outputs = self.product(inputs, self.weight) if digital else self._analog(inputs, self.execution)
        return outputs if self.bias is None else outputs + self.bias.view(self._column_shape)

    def _analog(self, inputs: torch.Tensor, execution: Execution) -> torch.Tensor:
        if not bool((self.input_range > 0).all()):
            raise ValueError(
                "`input_range > 0` must hold for every analog layer, got "
                f"{self.input_range.tolist()}: call hwsim.calibrate(net, batches) first"
            )
        scales = self.column_scales()
        if execution.programmed is not None:
            weights, gains = execution.programmed, torch.ones_like(scales)
        else:
            weights = self.weight if execution.weight_noise is None else self.weight + execution.weight_noise
            gains = _reciprocal(scales)
        if execution.compensation is not None:
            scales = scales * execution.compensation
        total: torch.Tensor | None = None
        for block in range(len(self.mapping.blocks)):
            partial = self.crossbar.multiply(
                self.block_input(inputs, block),
                self.block_weight(weights, block),
                product=self.product,
                channel_dim=self.channel_dim,
                input_range=self.input_range[block],
                gain=gains[block].view(self._column_shape),
                scale=(scales[block] * self.input_range[block]).view(self._column_shape),
                rows_in_use=self.rows_in_use[block],
                row_position=self.block_weight(self.row_position[block], block),
                noise=None if execution.noise is None else execution.noise.child(block),
            )
            total = partial if total is None else total + partial
        assert total is not None
        return total


def _reciprocal(scales: torch.Tensor) -> torch.Tensor:
    return torch.where(scales > 0, 1 / scales.clamp(min=torch.finfo(scales.dtype).tiny), 0.0)


def _with_parameters(layer: nn.Linear | nn.Conv1d | nn.Conv2d, analog: AnalogLayer) -> nn.Module:
    layer.weight = nn.Parameter(analog.weight.detach().clone(), analog.weight.requires_grad)
    if analog.bias is not None:
        layer.bias = nn.Parameter(analog.bias.detach().clone(), analog.bias.requires_grad)
    return layer.train(analog.training)


@final
class AnalogLinear(AnalogLayer):
    """`torch.nn.Linear` on crossbar tiles."""

    def __init__(self, layer: nn.Linear, hardware: Hardware) -> None:
        super().__init__(layer.weight, layer.bias, hardware)

    @property
    def channel_dim(self) -> int:
        """The last dimension."""
        return -1

    def product(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return ``inputs @ weights.T``."""
        return F.linear(inputs, weights)

    def block_input(self, inputs: torch.Tensor, block: int) -> torch.Tensor:
        """Return the features of a row block."""
        row0, row1 = self.mapping.blocks[block]
        return inputs[..., row0:row1]

    def block_weight(self, weights: torch.Tensor, block: int) -> torch.Tensor:
        """Return the columns of `weights` of a row block."""
        row0, row1 = self.mapping.blocks[block]
        return weights[:, row0:row1]

    def check_input(self, inputs: torch.Tensor) -> None:
        """Raise ValueError unless inputs are `(batch, ..., features)`."""
        if inputs.ndim < 2 or inputs.shape[-1] != self.weight.shape[1]:
            raise ValueError(
                f"inputs must be `(batch, ..., {self.weight.shape[1]})`, got {tuple(inputs.shape)}"
            )

    def digital(self) -> nn.Module:
        """Return the `torch.nn.Linear` with the same parameters."""
        layer = nn.Linear(self.weight.shape[1], self.weight.shape[0], self.bias is not None)
        return _with_parameters(layer, self)

    def extra_repr(self) -> str:
        """Return the layer's size for `print`."""
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}, tiles={len(self.mapping.tiles)}"


class _AnalogConv(AnalogLayer, ABC):
    """What one- and two-dimensional convolutions share."""

    def __init__(self, layer: nn.Conv1d | nn.Conv2d, hardware: Hardware) -> None:
        self._kernel_size = layer.weight[0, 0].numel()
        self._in_channels = layer.in_channels
        self._groups = layer.groups
        self._stride = layer.stride
        self._dilation = layer.dilation
        self._padding_mode = layer.padding_mode
        self._padding = layer.padding
        self._edges: list[int] = list(layer._reversed_padding_repeated_twice)
        super().__init__(layer.weight, layer.bias, hardware, layer.groups)

    @property
    def padding(self) -> tuple[int, ...] | str:
        """What the convolution pads itself; 0 where the padding mode needs explicit padding."""
        return self._padding if self._padding_mode == "zeros" else (0,) * (self.weight.ndim - 2)

    def pad(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the inputs padded as a padding mode other than zeros asks."""
        if self._padding_mode == "zeros":
            return inputs
        return F.pad(inputs, self._edges, mode=self._padding_mode)

    def block_input(self, inputs: torch.Tensor, block: int) -> torch.Tensor:
        """Return the channels, of every group, that a row block touches."""
        if len(self.mapping.blocks) == 1:
            return inputs
        first, last = self._group_channels(block)
        if self._groups == 1:
            return inputs[:, first:last]
        grouped = inputs.view(len(inputs), self._groups, -1, *inputs.shape[2:])
        return grouped[:, :, first:last].flatten(1, 2)

    def block_weight(self, weights: torch.Tensor, block: int) -> torch.Tensor:
        """Return the weights of the touched channels, zero outside the block's rows."""
        if len(self.mapping.blocks) == 1:
            return weights
        first, last = self._group_channels(block)
        row0, row1 = self.mapping.blocks[block]
        part = weights[:, first:last]
        if row0 == first * self._kernel_size and row1 == last * self._kernel_size:
            return part
        row = torch.arange(first * self._kernel_size, last * self._kernel_size, device=weights.device)
        inside = ((row >= row0) & (row < row1)).view(part.shape[1:])
        return part * inside

    def check_input(self, inputs: torch.Tensor) -> None:
        """Raise ValueError unless inputs are `(batch, channels, *space)`."""
        if inputs.ndim != self.weight.ndim or inputs.shape[1] != self._in_channels:
            space = ", ".join(("height", "width")[-(self.weight.ndim - 2) :])
            raise ValueError(
                f"inputs must be `(batch, {self._in_channels}, {space})`, got {tuple(inputs.shape)}"
            )

    def extra_repr(self) -> str:
        """Return the layer's size for `print`."""
        kernel = tuple(self.weight.shape[2:])
        return (
            f"{self._in_channels}, {self.weight.shape[0]}, kernel_size={kernel}, "
            f"groups={self._groups}, tiles={len(self.mapping.tiles)}"
        )

    def digital(self) -> nn.Module:
        """Return the torch convolution with the same parameters."""
        kind = nn.Conv1d if self.weight.ndim == 3 else nn.Conv2d
        layer = kind(
            self._in_channels,
            self.weight.shape[0],
            tuple(self.weight.shape[2:]),  # type: ignore[arg-type]  # one or two numbers, as `kind` wants
            self._stride,  # type: ignore[arg-type]
            self._padding,  # type: ignore[arg-type]
            self._dilation,  # type: ignore[arg-type]
            self._groups,
            self.bias is not None,
            self._padding_mode,
        )
        return _with_parameters(layer, self)

    def _group_channels(self, block: int) -> tuple[int, int]:
        row0, row1 = self.mapping.blocks[block]
        return row0 // self._kernel_size, -(-row1 // self._kernel_size)


@final
class AnalogConv1d(_AnalogConv):
    """`torch.nn.Conv1d` on crossbar tiles."""

    @property
    def channel_dim(self) -> int:
        """The second of three dimensions."""
        return -2

    def product(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the convolution without bias."""
        return F.conv1d(
            self.pad(inputs), weights, None, self._stride, self.padding, self._dilation, self._groups
        )


@final
class AnalogConv2d(_AnalogConv):
    """`torch.nn.Conv2d` on crossbar tiles."""

    @property
    def channel_dim(self) -> int:
        """The second of four dimensions."""
        return -3

    def product(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the convolution without bias."""
        return F.conv2d(
            self.pad(inputs), weights, None, self._stride, self.padding, self._dilation, self._groups
        )
