"""The fixed-point unit of one layer: from column scales, bias and output range to words, and from counts to outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from hwsim.hardware import Hardware
from hwsim.mapping import LayerMapping
from hwsim.mvm import Crossbar
from hwsim.near_memory.spec import FixedPointSpec
from hwsim.near_memory.unit import FixedPointUnit, post_process
from hwsim.near_memory.words import Words, words_of


@final
@dataclass(frozen=True)
class LayerUnit:
    """What turns the counts of a layer's row blocks into its outputs.

    Attributes:
        arithmetic: of the unit.
        tile_of: `(blocks, columns)` int64, the tile that holds a block of a column.
    """

    arithmetic: FixedPointUnit
    tile_of: torch.Tensor

    @property
    def wraps(self) -> bool:
        """Whether sums beyond the output word wrap."""
        return self.arithmetic.spec.overflow == "wrap"

    def output_step(self, output_range: torch.Tensor) -> torch.Tensor:
        """Return the output for one step of the output word, 0-dim."""
        return output_range / self.arithmetic.spec.largest_output

    def unbounded_share(self, outputs: torch.Tensor, output_range: torch.Tensor) -> torch.Tensor:
        """Return the share of a layer's outputs inside the bounds of the output word, 0-dim."""
        largest = output_range - self.output_step(output_range) / 2
        return (outputs.abs() < largest).float().mean()

    def words(
        self,
        column_scales: torch.Tensor,
        bias: torch.Tensor | None,
        output_range: torch.Tensor,
        count_step: float,
    ) -> Words:
        """Return scales and offsets in fixed point.

        Args:
            column_scales: `(blocks, columns)`, output of the layer for one fully-on product, compensated for drift.
            bias: `(columns,)` or None.
            output_range: 0-dim, the output that fills the output word.
            count_step: output of a tile for one count, in fully-on products.
        """
        step = self.output_step(output_range.detach())
        offsets = column_scales.new_zeros(column_scales.shape[1]) if bias is None else bias.detach() / step
        tile_of = self.tile_of.to(column_scales.device)
        steps = column_scales.detach() * (count_step / step)
        return words_of(steps, offsets, tile_of, self.arithmetic.spec)

    def post_process(
        self,
        counts: Sequence[torch.Tensor],
        *,
        column_scales: torch.Tensor,
        bias: torch.Tensor | None,
        output_range: torch.Tensor,
        count_step: float | torch.Tensor,
        channel_dim: int,
        relu: bool,
        many_chips: bool,
    ) -> torch.Tensor:
        """Return the outputs of the layer.

        Args:
            counts: for each row block, signed counts of the ADC, integers of float32.
            column_scales: as `words` has them.
            bias: as `words` has it.
            output_range: as `words` has it.
            count_step: as `words` has it; 0-dim where it has a gradient.
            channel_dim: dimension of the counts that counts columns, negative.
            relu: whether a ReLU is fused.
            many_chips: torch.vmap runs a batch of chips, each with words of its own.
        """
        words = self.words(column_scales, bias, output_range, float(torch.as_tensor(count_step).detach()))
        return post_process(
            self.arithmetic,
            counts,
            words,
            scales=column_scales * count_step,
            bias=bias,
            step=self.output_step(output_range),
            channel_dim=channel_dim,
            relu=relu,
            wide=None if many_chips else self.arithmetic.is_wide(words),
        )


def layer_unit(
    hardware: Hardware, crossbar: Crossbar, mapping: LayerMapping, device: torch.device
) -> LayerUnit | None:
    """Return the fixed-point unit of a layer; None where its post-processing is in floating point."""
    if not isinstance(hardware.digital, FixedPointSpec):
        return None
    assert crossbar.adc_levels is not None
    arithmetic = FixedPointUnit(hardware.digital, crossbar.adc_levels)
    return LayerUnit(arithmetic, torch.from_numpy(mapping.tile_of).to(device))
