"""The weights of a layer scaled column by column, with a factor for each row block of a column."""

from __future__ import annotations

from collections.abc import Sequence

import torch

RowBlocks = Sequence[tuple[int, int]]
"""First row of each block of a matrix, and the row after its last."""


def largest_weights(weight: torch.Tensor, blocks: RowBlocks) -> torch.Tensor:
    """Return the largest magnitude of each column in each block, `(blocks, columns)`."""
    matrix = weight.abs().flatten(1)
    return torch.stack([matrix[:, row0:row1].amax(1) for row0, row1 in blocks])


def times_columns(weight: torch.Tensor, factors: torch.Tensor, blocks: RowBlocks) -> torch.Tensor:
    """Return `(columns, ...)` weights times `(blocks, columns)` factors, detached."""
    matrix = weight.detach().flatten(1).clone()
    for (row0, row1), factor in zip(blocks, factors.detach(), strict=True):
        matrix[:, row0:row1] *= factor.unsqueeze(1)
    return matrix.view_as(weight)


def reciprocal(scales: torch.Tensor) -> torch.Tensor:
    """Return 1 over each scale, 0 for a column of zeros."""
    return torch.where(scales > 0, 1 / scales.clamp(min=torch.finfo(scales.dtype).tiny), 0.0)
