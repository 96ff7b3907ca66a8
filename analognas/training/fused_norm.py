"""Batch norm and its neighbouring ReLU in one pass, while a network is trained.

    y = relu?(γ (relu?(x) - mean) / sqrt(var + ε) + β)

In small networks on a CPU, batch norm and ReLU take as long as the convolutions between them: each of the two is a trip
through memory, forward and backward. `fused(network)` puts one compiled stage in place of each batch norm in a
sequence, together with the ReLU right after or before it, and puts everything back at its end. Parameters and running
statistics are those of the network's own batch norm. Without a C compiler nothing is replaced; with `HWSIM_KERNELS=off`
neither. Results agree with torch's to rounding.

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


class _NormRelu(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, before: bool, after: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        statistics = torch.empty(3, x.shape[1])
        y = torch.empty_like(x)
        ctx.flags = (eps, before, after)
        struct = _struct(x, weight, bias, statistics, ctx.flags)
        struct.y = y.data_ptr()
        _run("norm_forward", struct)
        ctx.save_for_backward(x, weight, bias, statistics)
        mean, variance = statistics[0], statistics[2]
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        x, weight, bias, statistics = ctx.saved_tensors
        if grad.stride() != x.stride():
            grad = torch.empty_like(x).copy_(grad)
        grad_x, grad_weight, grad_bias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(bias)
        struct = _struct(x, weight, bias, statistics, ctx.flags)
        struct.grad = grad.data_ptr()
        struct.grad_x = grad_x.data_ptr()
        struct.grad_weight, struct.grad_bias = grad_weight.data_ptr(), grad_bias.data_ptr()
        _run("norm_backward", struct)
        return grad_x, grad_weight, grad_bias, None, None, None


class FusedNorm(nn.Module):
    """A batch norm with the ReLUs around it.

    Args:
        norm: the network's own, with weights and running statistics.
        before: a ReLU on its inputs.
        after: a ReLU on its outputs.
    """

    def __init__(self, norm: nn.BatchNorm2d, before: bool, after: bool) -> None:
        super().__init__()
        self.norm = norm
        self._before = before
        self._after = after

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to the same shape."""
        if not (self.training and _is_dense(x)):
            y: Tensor = self.norm(x.relu() if self._before else x)
            return y.relu() if self._after else y
        norm = self.norm
        result: Tensor
        result, mean, variance = _NormRelu.apply(  # type: ignore[no-untyped-call]  # torch leaves it untyped
            x, norm.weight, norm.bias, norm.eps, self._before, self._after
        )
        rows = x.numel() // x.shape[1]
        assert norm.momentum is not None
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        with torch.no_grad():
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(variance * (rows / max(1, rows - 1)), norm.momentum)
            norm.num_batches_tracked.add_(1)
        return result


@contextmanager
def fused(network: nn.Module) -> Iterator[None]:
    """Train `network` with fused stages inside this context; they are gone after it."""
    replaced: list[tuple[nn.Module, str, nn.Module]] = []
    if library() is not None:
        for parent in list(network.modules()):
            replaced += _replace(parent) if isinstance(parent, nn.Sequential) else []
    try:
        yield
    finally:
        for parent, name, original in reversed(replaced):
            parent._modules[name] = original


def _replace(parent: nn.Sequential) -> list[tuple[nn.Module, str, nn.Module]]:
    """Put fused stages into a sequence and return what was there."""
    names = list(parent._modules)
    children = [parent._modules[name] for name in names]
    taken: set[int] = set()
    replaced: list[tuple[nn.Module, str, nn.Module]] = []
    for place, norm in enumerate(children):
        if not (
            isinstance(norm, nn.BatchNorm2d) and norm.affine and norm.track_running_stats and norm.momentum
        ):
            continue
        after = place + 1 < len(children) and type(children[place + 1]) is nn.ReLU
        before = not after and place > 0 and type(children[place - 1]) is nn.ReLU and place - 1 not in taken
        changes: dict[int, nn.Module] = {place: FusedNorm(norm, before, after).train(norm.training)}
        if before or after:
            neighbour = place + 1 if after else place - 1
            taken.add(neighbour)
            changes[neighbour] = nn.Identity()
        for index, new in changes.items():
            original = children[index]
            assert original is not None
            replaced.append((parent, names[index], original))
            parent._modules[names[index]] = new
    return replaced


def _is_dense(x: Tensor) -> bool:
    return (
        x.dtype == torch.float32
        and x.device.type == "cpu"
        and x.numel() > x.shape[1]
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def _struct(
    x: Tensor, weight: Tensor, bias: Tensor, statistics: Tensor, flags: tuple[float, bool, bool]
) -> Norm:
    row = statistics.stride(0) * statistics.element_size()
    first = statistics.data_ptr()
    return Norm(
        rows=x.numel() // x.shape[1],
        channels=x.shape[1],
        x=x.data_ptr(),
        weight=weight.data_ptr(),
        bias=bias.data_ptr(),
        mean=first,
        inverse=first + row,
        variance=first + 2 * row,
        eps=flags[0],
        relu_before=flags[1],
        relu_after=flags[2],
    )


def _run(name: str, struct: Norm) -> None:
    kernels = library()
    assert kernels is not None
    if getattr(kernels, name)(ctypes.byref(struct), torch.get_num_threads()) != 0:
        raise MemoryError("batch norm ran out of memory")
