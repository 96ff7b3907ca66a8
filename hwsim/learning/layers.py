"""Layers whose products go through the periphery, and which keep what an array needs for its update.

The optimiser of an array wants the vectors x and d of each sample, not their sum over the batch, which is all that the
gradient of an ordinary layer holds. The weight of the layers here is a `TileParameter`, which keeps both of every
backward pass until the optimiser's step.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from hwsim.arguments import number, require, whole
from hwsim.learning.periphery import Periphery, periphery
from hwsim.streams import stream


class TileParameter(nn.Parameter):
    """A weight on an array.

    Attributes:
        factors: x `(samples, inputs)` and d `(samples, outputs)` of the backward passes since the last step.
        scale: digital weight that a cell at 1 stands for; None until the layer is converted or an optimiser takes it.
    """

    factors: list[tuple[torch.Tensor, torch.Tensor]]
    scale: float | None

    def __new__(cls, data: torch.Tensor, requires_grad: bool = True) -> TileParameter:
        """Return a parameter without factors."""
        made: TileParameter = super().__new__(cls, data, requires_grad)
        made.factors, made.scale = [], None
        return made

    @property
    def grad(self) -> torch.Tensor | None:
        """The gradient, summed over the samples; setting it to None forgets the factors, as `zero_grad` means."""
        found: torch.Tensor | None = super().grad
        return found

    @grad.setter
    def grad(self, value: torch.Tensor | None) -> None:
        if value is None:
            self.factors.clear()
        torch.Tensor.grad.__set__(self, value)  # type: ignore[union-attr]  # a descriptor of C

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Return how a pickle makes the parameter again: without factors, with its scale."""
        return _rebuilt, (self.data, self.requires_grad, self.scale)

    def __deepcopy__(self, memo: dict[int, Any]) -> TileParameter:
        if id(self) not in memo:
            made = type(self)(self.data.clone(memory_format=torch.preserve_format), self.requires_grad)
            made.scale = self.scale
            memo[id(self)] = made
        found: TileParameter = memo[id(self)]
        return found


def _rebuilt(data: torch.Tensor, requires_grad: bool, scale: float | None) -> TileParameter:
    made = TileParameter(data, requires_grad)
    made.scale = scale
    return made


class _Product(torch.autograd.Function):
    """The product of an array forward and back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: TileParameter, layer: TileLayer) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.layer, ctx.weight = layer, weight
        scale = weight.scale or 1.0
        rows = x.reshape(-1, x.shape[-1])
        y = layer.periphery.product(rows, weight.detach() / scale, layer.generator("forward"))
        return (y * scale).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        x, weight = ctx.saved_tensors
        d = grads[0].reshape(-1, grads[0].shape[-1])
        rows = x.reshape(-1, x.shape[-1])
        back: torch.Tensor | None = None
        if ctx.needs_input_grad[0]:
            layer: TileLayer = ctx.layer
            scale = ctx.weight.scale or 1.0
            generator = layer.generator("backward")
            back = layer.periphery.product(d, weight.detach().T / scale, generator, manages_bounds=False)
            back = (back * scale).view_as(x)
        if not ctx.needs_input_grad[1]:
            return back, None, None
        ctx.weight.factors.append((rows.detach(), d.detach()))
        return back, d.T @ rows, None


class TileLayer(nn.Module):
    """A layer with its weight on an array.

    Attributes:
        weight: `(outputs, inputs)`, or as the layer it was made of has it.
        bias: digital; None for none.
        periphery: converters and noise.
    """

    weight: TileParameter
    bias: nn.Parameter | None

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None, around: Periphery | str, seed: int
    ) -> None:
        super().__init__()
        self.weight = TileParameter(weight.detach().clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.periphery = periphery(around)
        self._seed, self._passes = seed, 0

    def generator(self, direction: str) -> torch.Generator:
        """Return the generator of one pass; no two passes share one."""
        self._passes += 1
        return stream(self._seed, direction, self._passes)

    def get_extra_state(self) -> dict[str, Any]:
        """Return what a state dictionary holds besides the tensors."""
        return {"passes": self._passes, "seed": self._seed, "scale": self.weight.scale}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Continue with the noise, and the scale, of a state dictionary."""
        self._passes, self._seed, self.weight.scale = state["passes"], state["seed"], state["scale"]

    def product(self, x: torch.Tensor, weight: TileParameter) -> torch.Tensor:
        """Return the product of `(..., inputs)` with the array."""
        y: torch.Tensor = _Product.apply(x, weight, self)  # type: ignore[no-untyped-call]
        return y


class TileLinear(TileLayer):
    """A fully connected layer on an array."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `(..., outputs)` of `(..., inputs)`."""
        y = self.product(x, self.weight)
        return y if self.bias is None else y + self.bias


class TileConv2d(TileLayer):
    """A convolution on an array: every patch of the image is one vector."""

    def __init__(self, layer: nn.Conv2d, around: Periphery | str, seed: int) -> None:
        if layer.groups != 1 or layer.padding_mode != "zeros" or isinstance(layer.padding, str):
            raise ValueError(
                "a convolution on an array needs `groups=1`, numbers for its padding and `padding_mode='zeros'`, got "
                f"groups {layer.groups}, padding {layer.padding!r}, {layer.padding_mode!r}: keep it digital"
            )
        super().__init__(layer.weight.flatten(1), layer.bias, around, seed)
        self._geometry = {
            "kernel_size": layer.kernel_size,
            "stride": layer.stride,
            "padding": layer.padding,
            "dilation": layer.dilation,
        }

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `(images, outputs, height, width)`."""
        patches = F.unfold(x, **self._geometry)
        y = self.product(patches.mT, self.weight).mT
        kernel, stride, padding, dilation = self._geometry.values()
        height, width = (
            (x.shape[2 + k] + 2 * padding[k] - dilation[k] * (kernel[k] - 1) - 1) // stride[k] + 1
            for k in (0, 1)
        )
        y = y.reshape(*y.shape[:2], height, width)
        return y if self.bias is None else y + self.bias[:, None, None]


def on_tiles(
    net: nn.Module, *, periphery: Periphery | str = "preset", weight_range: float = 0.4, seed: int = 0
) -> nn.Module:
    """Return a copy of `net` whose fully connected and convolutional layers are on arrays that learn.

    Each array counts its weights in a unit of its own, such that the largest initial weight is at `weight_range`.
    Other layers, such as recurrent ones, stay as they are: an optimiser trains their weights from their gradients.

    Args:
        net: any module.
        periphery: converters and noise of forward and backward passes.
        weight_range: place of the largest initial weight in the range of a cell.
        seed: of the noise.

    Raises:
        ValueError: without such layers, or for a convolution with groups.
    """
    require(net, nn.Module, "`net` must be a torch module")
    number("weight_range", weight_range, above=0)
    whole("seed", seed)
    holder = copy.deepcopy(nn.ModuleList([net]))
    found = 0
    for parent in list(holder.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                made: TileLayer = TileLinear(child.weight, child.bias, periphery, seed * 1_000_003 + found)
            elif type(child) is nn.Conv2d:
                made = TileConv2d(child, periphery, seed * 1_000_003 + found)
            else:
                continue
            largest = float(made.weight.detach().abs().max())
            made.weight.scale = (largest or 1.0) / weight_range
            made.train(child.training)
            setattr(parent, name, made)
            found += 1
    if not found:
        raise ValueError(
            "`net` must have a layer for an array, torch.nn.Linear or torch.nn.Conv2d, got none: optimisers of "
            "hwsim.learning also train other weights, from their gradients"
        )
    return holder[0]
