"""The compiled step of an LSTM against torch, in double precision."""

import pytest
import torch

from hwsim.kernels import library as kernels
from hwsim.kernels.recurrent import lstm


@pytest.mark.skipif(kernels.library() is None, reason="there is no C compiler")
@pytest.mark.parametrize("size", [1e-4, 1.0, 10.0, 1e4])
def test_a_step_is_torchs(size: float) -> None:
    generator = torch.Generator().manual_seed(0)
    sums = size * torch.randn(7, 4 * 13, generator=generator)
    cell = torch.randn(7, 13, generator=generator)
    i, f, g, o = sums.double().chunk(4, 1)
    following = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    found, state = lstm(sums, cell)
    assert torch.allclose(state.double(), following, atol=1e-6)
    assert torch.allclose(found.double(), o.sigmoid() * following.tanh(), atol=1e-6)
