"""Products of which each input vector is scaled by its own largest magnitude, digitally and before the DAC."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from hwsim.mapping import LayerMapping
from hwsim.modules.common import Common
from hwsim.mvm import Crossbar
from hwsim.noise import NoiseSource


def dynamic_product(
    vectors: torch.Tensor,
    common: Common,
    *,
    mapping: LayerMapping,
    crossbar: Crossbar,
    rows_in_use: torch.Tensor,
    row_position: torch.Tensor,
    noise: NoiseSource | None,
) -> torch.Tensor:
    """Return the outputs of every MVM without bias, `(batch, ..., columns)`.

    Args:
        vectors: the input vectors, `(batch, ..., groups, rows of a group)`.
        common: weights and scales of the layer.
        mapping: its tiles.
        crossbar: their converters and non-idealities.
        rows_in_use: `(blocks, columns, 1, ...)`, n of the IR drop.
        row_position: `(blocks, columns or 1, ...)`, j/n of the IR drop.
        noise: where noise is drawn from; None for none.
    """
    groups, columns = mapping.groups, common.weights.shape[0]
    matrices, *curvature = (
        weights.reshape(groups, columns // groups, -1) for weights in (common.weights, *common.curvature)
    )
    totals = []
    for block, (row0, row1) in enumerate(mapping.blocks):
        part = vectors[..., row0:row1]
        largest = part.detach().abs().amax(-1, keepdim=True)
        by_column = largest.expand(*largest.shape[:-1], matrices.shape[1]).flatten(
            -2
        )  # 0 of zeros, without noise
        largest = torch.where(largest > 0, largest, 1.0)
        position = row_position[block].flatten(1).expand(columns, -1)[:, row0:row1]
        totals.append(
            crossbar.multiply(
                part,
                matrices[:, :, row0:row1],
                product=grouped_product,
                channel_dim=-1,
                input_range=largest,
                gain=common.gains[block],
                scale=common.scales[block] * by_column,
                rows_in_use=rows_in_use[block].flatten(),
                row_position=position.reshape(groups, -1, row1 - row0),
                noise=None if noise is None else noise.child(block),
                curvature=tuple(power[:, :, row0:row1] for power in curvature),
            )
        )
    return torch.stack(totals).sum(0)


def grouped_product(vectors: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Return `(..., groups, rows)` times `(groups, columns, rows)` as `(..., groups * columns)`."""
    groups, columns, _ = matrices.shape
    if groups == 1:
        return F.linear(vectors.squeeze(-2), matrices[0])
    if columns == 1:  # depthwise: a product of matrices for each would be all overhead
        return (vectors * matrices.squeeze(1)).sum(-1)
    return torch.einsum("...gr,gcr->...gc", vectors, matrices).flatten(-2)
