"""The compiled step of an LSTM between two products, on dense float32 tensors on the CPU."""

from __future__ import annotations

import torch

from hwsim.kernels import library as kernels


def lstm(sums: torch.Tensor, cell: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return output and next cell.

    Args:
        sums: of the gates i, f, g and o, `(batch, 4 · hidden)` float32.
        cell: `(batch, hidden)` float32.
    """
    loaded = kernels.library()
    assert loaded is not None
    assert sums.dtype == cell.dtype == torch.float32 and sums.shape == (len(cell), 4 * cell.shape[1])
    sums, cell = sums.contiguous(), cell.contiguous()
    following, output = torch.empty_like(cell), torch.empty_like(cell)
    pointers = (tensor.data_ptr() for tensor in (sums, cell, following, output))
    loaded.hwsim_lstm(*pointers, *cell.shape)
    return output, following
