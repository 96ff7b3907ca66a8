"""Fixed-point post-processing of the counts of a layer's row blocks, with straight-through gradients.

For a count n = n⁺ - n⁻ of one row block, with the words of `hwsim.near_memory.words`:

    q± = round(n± |S| 2^(p - f - e))           product, to p fractional bits; two branches, swapped where S < 0
    r  = Σ_blocks (q⁺ - q⁻) + O 2^(p - g)      sum
    y  = bound(relu(round(r 2^-p)))            output word, in steps of the output range

Each rounding has its mode. With `partial_sums: output-width` every block but the last puts out `bound(round(r 2^-p))`,
which the next one adds. A column has a positive or a negative count, so that rounding magnitudes is rounding n S with
the mode mirrored at zero. The gradient is that of the same function without its roundings: it passes where no bound
is reached, and a word that is a bound has one on the output range. Not modelled: different gains of the two branches,
the widths of intermediate words, cycles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch.autograd.function import once_differentiable

from hwsim.kernels import fixed_point, training
from hwsim.near_memory.rounding import EXACT_BITS, SIGNED, rounded_, wrapped_
from hwsim.near_memory.spec import FixedPointSpec
from hwsim.near_memory.words import Words


@final
@dataclass(frozen=True)
class FixedPointUnit:
    """The arithmetic of a fixed-point unit.

    Attributes:
        spec: its formats and modes.
        adc_levels: largest count.
    """

    spec: FixedPointSpec
    adc_levels: int

    @property
    def product_bits(self) -> int:
        """Bits of the magnitude of the largest count times the largest scale word."""
        return (self.adc_levels * self.spec.largest_scale).bit_length()

    def largest_sum(self, words: Words) -> float:
        """Return a bound on the magnitude of sums, in steps of the product; a partial sum is no larger."""
        products = (words.factor.abs().double() * self.adc_levels).round().amax(1).sum()
        return float(products + words.shift.abs().amax().double())

    def is_wide(self, words: Words) -> bool:
        """Whether products or sums may have more bits than float32 holds exactly; float64 then takes its place."""
        finer = max(0, self.spec.offset_fraction - self.spec.product_fraction)
        return self.product_bits > EXACT_BITS or self.largest_sum(words) * 2**finer >= 2**EXACT_BITS

    def outputs(
        self,
        counts: Sequence[torch.Tensor],
        words: Words,
        shape: tuple[int, ...],
        *,
        relu: bool = False,
        wide: bool = True,
        inside: list[torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Return the output words as integers of float32.

        Args:
            counts: for each row block, signed counts of the ADC, integers of float32.
            words: of the layer.
            shape: what `(columns,)` becomes to broadcast against counts.
            relu: whether a ReLU is fused.
            wide: compute in float64, see `is_wide`.
            inside: gets for each row block, the first one first, where its output word is no bound.
        """
        spec = self.spec
        total: torch.Tensor | None = None
        for block, count in enumerate(counts):
            is_last = block == len(counts) - 1
            product = (count.double() if wide else count) * words.factor[block].view(shape)
            partial = rounded_(product, SIGNED[spec.product_rounding])
            total = partial if total is None else partial.add_(total)
            if is_last:
                total = total.add_(words.shift.view(shape))
            if not is_last and spec.partial_sums == "full-width":
                if inside is not None:
                    inside.append(torch.ones((), dtype=torch.bool, device=count.device))
                continue
            total = rounded_(total.mul_(2.0**-spec.product_fraction), spec.rounding)
            total = self._bounded_(total, relu and is_last, inside)
            if not is_last:
                total = total.mul_(2.0**spec.product_fraction)
        assert total is not None
        return total.float()

    def _bounded_(self, total: torch.Tensor, relu: bool, inside: list[torch.Tensor] | None) -> torch.Tensor:
        """Return output words of rounded sums, in place; `inside` gets where they are no bounds."""
        low, high = 0 if relu else -self.spec.largest_output - 1, self.spec.largest_output
        if inside is not None:
            within = (total > low) & (total < high)
            inside.append(torch.ones_like(within) if self.spec.overflow == "wrap" else within)
        if self.spec.overflow == "wrap":
            return wrapped_(total.clamp(min=0) if relu else total, self.spec.output_bits)
        return total.clamp(low, high)


class _PostProcess(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        unit: FixedPointUnit,
        words: Words,
        channel_dim: int,
        relu: bool,
        wide: bool,
        step: torch.Tensor,
        scales: torch.Tensor,
        bias: torch.Tensor | None,
        *counts: torch.Tensor,
    ) -> torch.Tensor:
        outputs, bounded = _outputs(unit, counts, words, channel_dim, relu, wide, step)
        ctx.channel_dim, ctx.n_blocks = channel_dim, len(counts)
        learned = outputs if ctx.needs_input_grad[5] else None
        kept = counts if ctx.needs_input_grad[6] else ()
        ctx.save_for_backward(step, scales, learned, *bounded, *kept)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        step, scales, outputs, *rest = ctx.saved_tensors
        bounded, counts = rest[: ctx.n_blocks], rest[ctx.n_blocks :]
        shape = (-1,) + (1,) * (-ctx.channel_dim - 1)
        of_step: torch.Tensor | None = None
        if outputs is not None:
            at_bound = bounded[-1].movedim(-1, ctx.channel_dim)
            of_step = (grad * outputs * at_bound).sum() / step
        of_counts: list[torch.Tensor | None] = [None] * ctx.n_blocks
        of_scales: list[torch.Tensor] = [grad] * ctx.n_blocks
        of_bias: torch.Tensor | None = None
        for block in reversed(range(ctx.n_blocks)):
            grad = grad if bounded[block] is None else _where_inside(grad, bounded[block], ctx.channel_dim)
            if block == ctx.n_blocks - 1 and ctx.needs_input_grad[7]:
                of_bias = _by_column(grad, ctx.channel_dim)
            if ctx.needs_input_grad[8 + block]:
                of_counts[block] = grad * scales[block].view(shape)
            if counts:
                of_scales[block] = _by_column(grad * counts[block], ctx.channel_dim)
        return (*[None] * 5, of_step, torch.stack(of_scales) if counts else None, of_bias, *of_counts)


def _outputs(
    unit: FixedPointUnit,
    counts: Sequence[torch.Tensor],
    words: Words,
    channel_dim: int,
    relu: bool,
    wide: bool,
    step: torch.Tensor,
) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
    """Return outputs, and for each row block, channels last, which of its words are bounds; None where it has none."""
    if all(training.serves(count) for count in counts):
        return fixed_point.post_process(counts, words, unit.spec, step, channel_dim, relu=relu, wide=wide)
    shape = (-1,) + (1,) * (-channel_dim - 1)
    inside: list[torch.Tensor] = []
    found = unit.outputs(counts, words, shape, relu=relu, wide=wide, inside=inside)
    bounded = [None if one.ndim == 0 else (~one).movedim(channel_dim, -1) for one in inside]
    return found.mul_(step), bounded


def _where_inside(grad: torch.Tensor, bounded: torch.Tensor, channel_dim: int) -> torch.Tensor:
    if training.serves(grad) and bounded.dtype == torch.uint8:
        return training.adc_gradient(grad, bounded, grad.new_ones(grad.shape[channel_dim]), channel_dim)
    return grad.masked_fill(bounded.movedim(-1, channel_dim).bool(), 0.0)


def _by_column(grad: torch.Tensor, channel_dim: int) -> torch.Tensor:
    """Return the sums over all dimensions but the columns."""
    return grad.movedim(channel_dim, -1).flatten(0, -2).sum(0)


def post_process(
    unit: FixedPointUnit,
    counts: Sequence[torch.Tensor],
    words: Words,
    *,
    scales: torch.Tensor,
    bias: torch.Tensor | None,
    step: torch.Tensor,
    channel_dim: int,
    relu: bool,
    wide: bool | None,
) -> torch.Tensor:
    """Return the outputs of a layer, output words times `step`.

    Args:
        unit: the arithmetic.
        counts: for each row block, signed counts of the ADC, integers of float32.
        words: what `scales` and `bias` are in fixed point.
        scales: `(blocks, columns)`, outputs of the layer for one count; for the gradient alone.
        bias: `(columns,)` or None; for the gradient alone.
        step: 0-dim, output of the layer for one step of the output word.
        channel_dim: dimension of the counts that counts columns, negative.
        relu: whether a ReLU is fused.
        wide: compute in float64; None for many chips at once, where words are not known and float64 it is.
    """
    if wide is None:
        shape = (-1,) + (1,) * (-channel_dim - 1)
        return unit.outputs(counts, words, shape, relu=relu, wide=True).mul_(step)
    if not torch.is_grad_enabled():
        return _outputs(unit, counts, words, channel_dim, relu, wide, step)[0]
    outputs: torch.Tensor = _PostProcess.apply(  # type: ignore[no-untyped-call]
        unit, words, channel_dim, relu, wide, step, scales, bias, *counts
    )
    return outputs
