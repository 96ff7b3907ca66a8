"""Batch norm and its neighbouring ReLU in one pass, while a network is trained.

    y = relu?(γ (relu?(x) - mean) / sqrt(var + ε) + β)

In small networks on a CPU, batch norm and ReLU take as long as the convolutions between them: each of the two is a trip
through memory, forward and backward. `fused(network)` puts one compiled stage in place of each batch norm in a
sequence, together with the ReLU right after or before it, and puts everything back at its end. Parameters and running
statistics are those of the network's own batch norm. The bias of a convolution right before it is left out meanwhile.
On another device nothing is replaced, neither without a C compiler or with `HWSIM_KERNELS=off`. Results agree with
torch's to rounding.

References:
    S. Ioffe and C. Szegedy, "Batch Normalization", 2015, arXiv 1502.03167.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from analognas.training.kernels.library import Norm, library
from hwsim.modules import AnalogConv2d


class _NormRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, layer: FusedNorm) -> Tensor:
        statistics = torch.empty(3, x.shape[1])
        y = torch.empty_like(x)
        ctx.struct = layer.struct(x, statistics)
        ctx.struct.y = y.data_ptr()
        _run("norm_forward", ctx.struct)
        ctx.save_for_backward(x, weight, bias, statistics)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, _ = ctx.saved_tensors
        if grad.stride() != x.stride():
            grad = torch.empty_like(x).copy_(grad)
        grad_x, grad_weight, grad_bias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(bias)
        struct = ctx.struct
        struct.grad = grad.data_ptr()
        struct.grad_x = grad_x.data_ptr()
        struct.grad_weight, struct.grad_bias = grad_weight.data_ptr(), grad_bias.data_ptr()
        _run("norm_backward", struct)
        return grad_x, grad_weight, grad_bias, None


class FusedNorm(nn.Module):
    """A batch norm with the ReLUs around it.

    Args:
        norm: the network's own, with weights and running statistics.
        before: a ReLU on its inputs.
        after: a ReLU on its outputs.
        bias: `(channels,)` what the inputs lack; only the running mean sees it.
    """

    def __init__(self, norm: nn.BatchNorm2d, before: bool, after: bool, bias: Tensor | None = None) -> None:
        super().__init__()
        self.norm = norm
        self._before = before
        self._after = after
        self._bias = None if bias is None else bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to the same shape."""
        norm = self.norm
        y: Tensor
        if not (self.training and _is_dense(x)):
            if self._bias is not None:
                x = x + self._bias.view(-1, 1, 1)
            y = norm(x.relu() if self._before else x)
            return y.relu() if self._after else y
        y = _NormRelu.apply(x, norm.weight, norm.bias, self)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked.add_(1)
        return y

    def struct(self, x: Tensor, statistics: Tensor) -> Any:
        """Return what the kernels need of the norm, its inputs and `(3, channels)` room for their statistics."""
        norm = self.norm
        assert norm.momentum is not None
        assert norm.running_mean is not None
        assert norm.running_var is not None
        row = statistics.stride(0) * statistics.element_size()
        first = statistics.data_ptr()
        rows = x.numel() // x.shape[1]
        return Norm(
            rows=rows,
            channels=x.shape[1],
            x=x.data_ptr(),
            weight=norm.weight.data_ptr(),
            bias=norm.bias.data_ptr(),
            mean=first,
            inverse=first + row,
            variance=first + 2 * row,
            offset=None if self._bias is None else self._bias.data_ptr(),
            running_mean=norm.running_mean.data_ptr(),
            running_variance=norm.running_var.data_ptr(),
            eps=norm.eps,
            momentum=norm.momentum,
            correction=rows / max(1, rows - 1),
            relu_before=self._before,
            relu_after=self._after,
        )


@contextmanager
def fused(network: nn.Module) -> Iterator[None]:
    """Train `network` with fused stages inside this context; they are gone after it.

    A bias right before a batch norm is left out: the norm takes it away again, and its gradient is zero. It keeps its
    value, and is no parameter of the network inside this context.
    """
    replaced: list[tuple[nn.Module, str, nn.Module]] = []
    biases: list[tuple[nn.Module, nn.Parameter]] = []
    if _on_cpu(network) and library() is not None:
        for parent in list(network.modules()):
            if isinstance(parent, nn.Sequential):
                _replace(parent, replaced, biases)
    try:
        yield
    finally:
        for parent, name, original in reversed(replaced):
            parent._modules[name] = original
        for layer, bias in biases:
            layer._parameters["bias"] = bias


def _replace(
    parent: nn.Sequential,
    replaced: list[tuple[nn.Module, str, nn.Module]],
    biases: list[tuple[nn.Module, nn.Parameter]],
) -> None:
    """Put fused stages into a sequence and note what was there, and the biases that are left out."""
    names = list(parent._modules)
    children = [parent._modules[name] for name in names]
    taken: set[int] = set()
    for place, norm in enumerate(children):
        if not (
            isinstance(norm, nn.BatchNorm2d) and norm.affine and norm.track_running_stats and norm.momentum
        ):
            continue
        after = place + 1 < len(children) and type(children[place + 1]) is nn.ReLU
        before = not after and place > 0 and type(children[place - 1]) is nn.ReLU and place - 1 not in taken
        bias = _take_bias(children[place - 1], biases) if place > 0 and not before else None
        stage = FusedNorm(norm, before, after, bias).train(norm.training)
        changes: dict[int, nn.Module] = {place: stage}
        if before or after:
            neighbour = place + 1 if after else place - 1
            taken.add(neighbour)
            changes[neighbour] = nn.Identity()
        for index, new in changes.items():
            original = children[index]
            assert original is not None
            replaced.append((parent, names[index], original))
            parent._modules[names[index]] = new


def _take_bias(layer: nn.Module | None, biases: list[tuple[nn.Module, nn.Parameter]]) -> Tensor | None:
    """Return the bias of a convolution, which computes without it from now on."""
    if not isinstance(layer, nn.Conv2d | AnalogConv2d):
        return None
    bias = layer.bias
    if not isinstance(bias, nn.Parameter):
        return None
    biases.append((layer, bias))
    layer._parameters["bias"] = None
    return bias


def _on_cpu(network: nn.Module) -> bool:
    return all(parameter.device.type == "cpu" for parameter in network.parameters())


def _is_dense(x: Tensor) -> bool:
    return (
        x.dtype == torch.float32
        and x.device.type == "cpu"
        and x.numel() > x.shape[1]
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def _run(name: str, struct: Any) -> None:
    kernels = library()
    assert kernels is not None
    if getattr(kernels, name)(ctypes.byref(struct), torch.get_num_threads()) != 0:
        raise MemoryError("batch norm ran out of memory")
