"""`torch.nn.Linear` on crossbar tiles."""

from __future__ import annotations

from typing import final

import torch
from torch import nn
from torch.nn import functional as F

from hwsim.arguments import require
from hwsim.hardware import Hardware
from hwsim.modules.layer import AnalogLayer
from hwsim.modules.plain_layer import with_parameters


@final
class AnalogLinear(AnalogLayer):
    """`torch.nn.Linear` on crossbar tiles."""

    def __init__(self, layer: nn.Linear, hardware: Hardware) -> None:
        require(layer, nn.Linear, "`layer` must be a torch.nn.Linear")
        super().__init__(layer.weight, layer.bias, hardware)
        self.in_features, self.out_features = layer.in_features, layer.out_features

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
        if self.has_folded_norm and inputs.ndim != 2:
            raise ValueError(
                f"inputs must be `(batch, {self.weight.shape[1]})` before a batch norm that is folded, got "
                f"{tuple(inputs.shape)}: name it in `digital_layers` of hwsim.to_analog"
            )

    def vectors(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the inputs as one group."""
        return inputs.unsqueeze(-2)

    def fold(self, outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Return the outputs as they are."""
        return outputs

    def laid_out(self, outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Return the outputs as they are."""
        return outputs

    def digital(self) -> nn.Module:
        """Return the `torch.nn.Linear` with the same parameters."""
        layer = nn.Linear(self.weight.shape[1], self.weight.shape[0], self.bias is not None)
        return with_parameters(layer, self)

    def extra_repr(self) -> str:
        """Return the layer's size for `print`."""
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}, tiles={len(self.mapping.tiles)}"


def array(
    weight: torch.Tensor, bias: torch.Tensor | None, hardware: Hardware, trained: bool | None = None
) -> AnalogLinear:
    """Return an array of `weight`, `(columns, rows)`; both are trained as they are unless told otherwise."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta")
    layer.weight = nn.Parameter(weight.detach(), weight.requires_grad if trained is None else trained)
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach(), bias.requires_grad if trained is None else trained)
    return AnalogLinear(layer, hardware)


def weight_of(layer: AnalogLinear) -> nn.Parameter:
    """Return the digital weight of an array, trained if the array's is."""
    return nn.Parameter(layer.digital_weight(), layer.weight.requires_grad)


def bias_of(layer: AnalogLinear) -> nn.Parameter | None:
    """Return a copy of an array's bias, or None."""
    return None if layer.bias is None else nn.Parameter(layer.bias.detach().clone(), layer.bias.requires_grad)
