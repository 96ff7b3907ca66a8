"""Drift compensation: one digital factor for each tile, or each column of each tile.

The factor is ``Σ|y| at programming / Σ|y| now`` on a fixed read-out input. The read-out is one-hot, row
after row, so that the outputs are the weights themselves. `exact` sums the conductances; `mvm` reads them
with output noise and ADC as hardware must, which is biased low after long times, because noise and
resolution keep |y| of the drifted weights up.

References:
    Joshi et al., Nat. Commun. 11:2473, 2020 (global drift compensation).
    Rasch et al., Nat. Commun. 14:5282, 2023 (one factor a tile).
"""

from __future__ import annotations

from typing import Literal

import torch

from hwsim.converters import round_half_away_
from hwsim.mapping import LayerMapping
from hwsim.mvm import Crossbar
from hwsim.streams import standard_normal


def readout(
    crossbar: Crossbar, weights: torch.Tensor, kind: Literal["exact", "mvm"], generator: torch.Generator
) -> torch.Tensor:
    """Return |y| for each one-hot read-out input, shape of `weights`.

    Args:
        crossbar: noise and converters of the read-out.
        weights: units of g_max.
        kind: `exact` for noise-free, `mvm` for the tile's own noise and ADC.
        generator: source of the read-out's noise.
    """
    if kind == "exact":
        return weights.abs()
    std = (weights.abs() * crossbar.read_noise**2 + crossbar.output_noise**2).sqrt_()
    outputs = standard_normal(weights, generator).mul_(std).add_(weights)
    if crossbar.adc_levels is not None:
        assert crossbar.out_bound is not None
        step = crossbar.out_bound / crossbar.adc_levels
        round_half_away_(outputs.div_(step)).clamp_(-crossbar.adc_levels, crossbar.adc_levels).mul_(step)
    elif crossbar.out_bound is not None:
        outputs.clamp_(-crossbar.out_bound, crossbar.out_bound)
    return outputs.abs_()


def compensation_factors(
    reference: torch.Tensor,
    now: torch.Tensor,
    mapping: LayerMapping,
    kind: Literal["none", "global", "column"],
) -> torch.Tensor:
    """Return the factors on the outputs, `(blocks, columns)`; 1 where nothing is left to measure.

    Args:
        reference: |y| at programming, shape of the layer's weight.
        now: |y| at the time of inference.
        mapping: the layer's tiles.
        kind: one factor a tile (`global`) or a column of a tile (`column`); 1 everywhere for `none`.
    """
    if kind == "none":
        return reference.new_ones(mapping.tile_of.shape)
    sums = []
    for magnitude in (reference, now):
        matrix = magnitude.flatten(1)
        by_column = torch.stack([matrix[:, row0:row1].sum(1) for row0, row1 in mapping.blocks])
        if kind == "global":
            tile_of = torch.from_numpy(mapping.tile_of).to(by_column.device)
            by_tile = by_column.new_zeros(len(mapping.tiles)).index_add_(
                0, tile_of.flatten(), by_column.flatten()
            )
            by_column = by_tile[tile_of]
        sums.append(by_column)
    return torch.where((sums[0] > 0) & (sums[1] > 0), sums[0] / sums[1].clamp(min=1e-30), 1.0)
