"""Products of many vectors with the matrices of groups."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def grouped_product(vectors: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Return `(..., groups, rows)` times `(groups, columns, rows)` as `(..., groups * columns)`."""
    groups, columns, _ = matrices.shape
    if groups == 1:
        return F.linear(vectors.squeeze(-2), matrices[0])
    if columns == 1:  # depthwise: a product of matrices for each would be all overhead
        return (vectors * matrices.squeeze(1)).sum(-1)
    return torch.einsum("...gr,gcr->...gc", vectors, matrices).flatten(-2)
