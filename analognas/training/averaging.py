"""The running average of a network's weights and statistics over the last steps of a training.

    a_n = a_(n-1) + (w_n - a_(n-1)) / n

References:
    P. Izmailov et al., Averaging weights leads to wider optima and better generalization, UAI 2018, arXiv 1803.05407.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn


@final
class RunningAverage:
    """Averages parameters and floating-point buffers, such as the statistics of batch norms, as often as it is told to.

    Args:
        network: whose tensors are averaged.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._n = 0
        self._averages: list[Tensor] = []

    @torch.no_grad()
    def add(self) -> None:
        """Take the tensors of this step into the average."""
        tensors = self._tensors()
        self._n += 1
        if self._n == 1:
            self._averages = [tensor.clone() for tensor in tensors]
        else:
            torch._foreach_lerp_(self._averages, tensors, 1.0 / self._n)

    @torch.no_grad()
    def put_back(self) -> None:
        """Write the average into the network; nothing changes where there is none."""
        for tensor, average in zip(self._tensors() if self._n else [], self._averages, strict=True):
            tensor.copy_(average)

    def _tensors(self) -> list[Tensor]:
        buffers = (buffer for buffer in self._network.buffers() if buffer.is_floating_point())
        return [*(parameter.detach() for parameter in self._network.parameters()), *buffers]
