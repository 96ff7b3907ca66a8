"""Converters: symmetric uniform quantisers with straight-through gradients.

    DAC:  u = clip(round(L x / α), ±L) / L,                       x input, α input range
    ADC:  y = s · clip(round(L v / b), ±L) b / L,  v = c f + σ ξ,  f current, c and s scales, b bound

`L` is half the number of steps (127 for 8 bit). Halves are rounded away from zero. The gradient is that of
the same functions without their rounding: it passes inside the range, and stops where an input or an output
is clipped.

References:
    Bengio et al., Estimating or propagating gradients through stochastic neurons, arXiv 1308.3432, 2013.
    Rasch et al., Nat. Commun. 14:5282, 2023, Eq. 1 to 8.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable


def levels(bits: int | None) -> int | None:
    """Return the grid points on each side of zero: 2^(bits-1) - 1; None for a continuous converter."""
    return None if bits is None else 2 ** (bits - 1) - 1


def round_half_away_(x: torch.Tensor) -> torch.Tensor:
    """Round in place to the nearest integer, halves away from zero."""
    return x.add_(torch.copysign(x.new_tensor(0.5), x)).trunc_()


class _Dac(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, input_range: torch.Tensor, n: int) -> torch.Tensor:
        ctx.save_for_backward(x, input_range)
        return round_half_away_(x * (n / input_range)).clamp_(-n, n).mul_(1 / n)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, input_range = ctx.saved_tensors
        grad = grad.masked_fill(x.abs() > input_range, 0.0).div_(input_range)
        grad_range = -(grad * x).sum() / input_range if ctx.needs_input_grad[1] else None
        return (grad if ctx.needs_input_grad[0] else None), grad_range, None


class _Adc(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        current: torch.Tensor,
        gain: torch.Tensor,
        scale: torch.Tensor,
        noise: torch.Tensor | None,
        noise_std: float,
        n: int,
        bound: float,
    ) -> torch.Tensor:
        code = current * (gain * (n / bound))
        if noise is not None:
            code.add_(noise, alpha=noise_std * n / bound)
        clipped = code.abs() > n if ctx.needs_input_grad[0] else None
        round_half_away_(code).clamp_(-n, n)
        step = scale * (bound / n)
        if ctx.needs_input_grad[2]:
            ctx.save_for_backward(clipped, gain * scale, code)
            ctx.step = bound / n
            return code * step
        ctx.save_for_backward(clipped, gain * scale, None)
        return code.mul_(step)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        clipped, factor, code = ctx.saved_tensors
        grad_scale = None
        if code is not None:
            per_column = tuple(
                dim for dim, size in enumerate((1,) * (grad.ndim - factor.ndim) + factor.shape) if size == 1
            )
            grad_scale = (grad * code).sum(per_column, keepdim=True).mul_(ctx.step).reshape(factor.shape)
        grad_current = (grad * factor).masked_fill_(clipped, 0.0) if clipped is not None else None
        return grad_current, None, grad_scale, None, None, None, None


def dac(x: torch.Tensor, input_range: torch.Tensor, n: int | None) -> torch.Tensor:
    """Return the inputs as voltages, -1 to 1.

    Args:
        x: digital inputs, any shape.
        input_range: 0-dim tensor, the input that becomes 1.
        n: grid points on each side of zero; None divides by the range only.
    """
    if n is None:
        return x / input_range
    return _Dac.apply(x, input_range, n)  # type: ignore[no-any-return, no-untyped-call]


def adc(
    current: torch.Tensor,
    gain: torch.Tensor,
    scale: torch.Tensor,
    noise: torch.Tensor | None,
    noise_std: float,
    n: int | None,
    bound: float,
) -> torch.Tensor:
    """Return the digital outputs of one tile.

    Args:
        current: summed products, any shape.
        gain: broadcasts against `current`; what makes it one for a fully-on input times a fully-on weight.
        scale: broadcasts against `current`; digital scale of the outputs.
        noise: standard normal, of the shape of `current`; None for no output noise.
        noise_std: output noise, in units of a fully-on product.
        n: grid points on each side of zero; None leaves outputs continuous and unbounded.
        bound: output that reaches the last grid point.
    """
    if n is None:
        outputs = current * gain
        if noise is not None:
            outputs = outputs.add(noise, alpha=noise_std)
        return outputs * scale
    return _Adc.apply(current, gain, scale, noise, noise_std, n, bound)  # type: ignore[no-any-return, no-untyped-call]
