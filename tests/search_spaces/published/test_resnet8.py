"""ResNet-8 against the benchmark's own figures."""

from __future__ import annotations

import pytest
import torch
from torch import fx

from search_spaces import count_network, published


def test_parameters_and_macs_of_the_benchmark() -> None:
    parameters, macs = count_network(published("resnet8", (3, 32, 32), 10), (3, 32, 32))
    # 78,666 in the benchmark's table count the running statistics of the batch norms too, 480 of them.
    assert parameters == 78_666 - 480
    assert macs == 12_501_632


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 1, 1), (1, 49, 10)])
def test_it_fits_any_input(shape: tuple[int, int, int]) -> None:
    network = published("resnet8", shape, 6).eval()
    x = torch.randn(2, *shape)
    assert network(x).shape == (2, 6)
    torch.testing.assert_close(fx.symbolic_trace(network)(x), network(x), rtol=0, atol=0)
