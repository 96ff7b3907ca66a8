"""Converters: symmetric uniform quantisers with straight-through gradients.

    DAC:  u = clip(round(L x / α), ±L) / L,                       x input, α input range
    ADC:  y = s · clip(round(L v / b), ±L) b / L,  v = c f + σ ξ,  f current, c and s scales, b bound

`L` is half the number of steps (127 for 8 bit). Halves are rounded away from zero. The gradient is that of
the same functions without their rounding: it passes inside the range, and stops where an input or an output
is clipped. That of a bound b, and of α with the output times α, counts the rounding (Esser et al. 2020):

    ∂y/∂b = s (q(v) - v) / b inside,  s sign(v) where v is clipped,  q(v) = clip(round(L v / b), ±L) b / L

References:
    Bengio et al., Estimating or propagating gradients through stochastic neurons, arXiv 1308.3432, 2013.
    Esser et al., Learned step size quantization, ICLR 2020, arXiv 1902.08153.
    Rasch et al., Nat. Commun. 14:5282, 2023, Eq. 1 to 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from hwsim.disturbance import Disturbance
from hwsim.kernels import training
from hwsim.noise import NoiseSource, NoiseStream


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
        return _voltages(x, input_range, n)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, input_range = ctx.saved_tensors
        if training.serves(x) and training.same_layout(x, grad) and input_range.numel() == 1:
            grad = training.dac_gradient(grad, x, input_range)
        else:
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
        noise: NoiseSource | None,
        noise_std: float,
        n: int,
        bound: float,
        channel_dim: int,
        disturbance: Disturbance | None,
        counts: bool,
        learned_bound: torch.Tensor | None,
    ) -> torch.Tensor:
        ctx.step, ctx.channel_dim = 1.0 if counts else bound / n, channel_dim
        learns = ctx.needs_input_grad[2] or ctx.needs_input_grad[10]
        if not learns and _is_compiled(current, gain, scale, noise, channel_dim):
            assert isinstance(noise, NoiseStream | None)
            converted, clipped = training.adc(
                current, gain, scale * ctx.step, noise, noise_std, n, bound, channel_dim, disturbance
            )
            ctx.save_for_backward(clipped, gain * (n / bound) if counts else gain * scale, None, None)
            return converted
        code = _unrounded(current, gain, noise, noise_std, n, bound, channel_dim)
        clipped = code.abs() > n
        of_bound = -code.masked_fill(clipped, 0.0) if ctx.needs_input_grad[10] else None
        code = round_half_away_(code).clamp(-n, n)
        if of_bound is not None:  # how outputs grow with the bound
            of_bound = of_bound / bound if counts else of_bound.add_(code).mul_(scale / n)
        factor = gain * (n / bound) if counts else gain * scale
        ctx.save_for_backward(clipped, factor, code if ctx.needs_input_grad[2] else None, of_bound)
        outputs: torch.Tensor = code * (scale * ctx.step)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        clipped, factor, code, of_bound = ctx.saved_tensors
        grad_scale = grad_current = None
        grad_bound = None if of_bound is None else (grad * of_bound).sum()
        if code is not None:
            grad_scale = (grad * code).mul_(ctx.step).sum_to_size(factor.shape)
        if ctx.needs_input_grad[0] and training.serves(grad) and clipped.dtype == torch.uint8:
            grad_current = training.adc_gradient(grad, clipped, factor, ctx.channel_dim)
        elif ctx.needs_input_grad[0]:
            grad_current = (grad * factor).masked_fill_(clipped.bool(), 0.0)
        return (grad_current, None, grad_scale, *[None] * 7, grad_bound)


def _voltages(x: torch.Tensor, input_range: torch.Tensor, n: int) -> torch.Tensor:
    if training.serves(x) and input_range.numel() == 1:
        return training.dac(x, input_range, n)
    return round_half_away_(x * (n / input_range)).clamp(-n, n).mul_(1 / n)


def _is_compiled(
    current: torch.Tensor,
    gain: torch.Tensor,
    scale: torch.Tensor,
    noise: NoiseSource | None,
    channel_dim: int,
) -> bool:
    """Whether the compiled ADC can do it: one gain and one scale a column, noise of one chip."""
    one_each = gain.numel() == scale.numel() == current.shape[channel_dim]
    return one_each and isinstance(noise, NoiseStream | None) and training.serves(current)


def takes_disturbance(
    current: torch.Tensor,
    gain: torch.Tensor,
    learned: Sequence[torch.Tensor],
    noises: tuple[NoiseSource | None, ...],
    channel_dim: int,
) -> bool:
    """Whether `adc` can add IR drop and read noise in its own pass over `current`.

    `learned` are the scale and what else may have a gradient that the compiled pass has not.
    """
    learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in learned)
    return not learns and all(_is_compiled(current, gain, learned[0], noise, channel_dim) for noise in noises)


def _unrounded(
    current: torch.Tensor,
    gain: torch.Tensor,
    noise: NoiseSource | None,
    noise_std: float,
    n: int,
    bound: float,
    channel_dim: int,
) -> torch.Tensor:
    """Return where on the ADC's grid outputs lie, neither rounded nor clipped."""
    code = current * (gain * (n / bound))
    if noise is not None:
        code.add_(noise.like(current, channel_dim), alpha=noise_std * n / bound)
    return code


def dac(x: torch.Tensor, input_range: torch.Tensor, n: int | None) -> torch.Tensor:
    """Return the inputs as voltages, -1 to 1.

    Args:
        x: digital inputs, any shape.
        input_range: 0-dim tensor, the input that becomes 1.
        n: grid points on each side of zero; None divides by the range only.
    """
    if n is None:
        return x / input_range
    if not torch.is_grad_enabled():
        return _voltages(x, input_range, n)
    voltages: torch.Tensor = _Dac.apply(x, input_range, n)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return voltages


def adc(
    current: torch.Tensor,
    gain: torch.Tensor,
    scale: torch.Tensor,
    noise: NoiseSource | None,
    noise_std: float,
    n: int | None,
    bound: float | None,
    channel_dim: int = -1,
    disturbance: Disturbance | None = None,
    counts: bool = False,
    learned_bound: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the digital outputs of one tile.

    Args:
        current: summed products, any shape.
        gain: broadcasts against `current`; what makes it one for a fully-on input times a fully-on weight.
        scale: broadcasts against `current`; digital scale of the outputs.
        noise: where output noise is drawn from; None for none.
        noise_std: output noise, in units of a fully-on product.
        n: grid points on each side of zero; None leaves outputs continuous.
        bound: largest output, which reaches the last grid point; None, without an ADC, for none.
        channel_dim: dimension of `current` that counts columns.
        disturbance: IR drop and read noise to add, where `takes_disturbance`; None for none.
        counts: return grid points, integers from -n to n, in place of outputs; `scale` must be ones.
        learned_bound: 0-dim, `bound` with a gradient; None where it has none.
    """
    if n is None:
        outputs = current * gain
        if noise is not None:
            outputs = outputs.add(noise.like(current, channel_dim), alpha=noise_std)
        return (outputs if bound is None else outputs.clamp(-bound, bound)) * scale
    assert bound is not None
    if torch.is_grad_enabled() or _is_compiled(current, gain, scale, noise, channel_dim):
        quantised: torch.Tensor = _Adc.apply(  # type: ignore[no-untyped-call]  # torch leaves it untyped
            current, gain, scale, noise, noise_std, n, bound, channel_dim, disturbance, counts, learned_bound
        )
        return quantised
    code = _unrounded(current, gain, noise, noise_std, n, bound, channel_dim)
    code = round_half_away_(code).clamp(-n, n)
    return code if counts else code * (scale * (bound / n))
