"""What TTv2, chopped TTv2 and AGAD share: a digital buffer between the fast and the slow array.

    A moves along the gradient at the rate λ_A = η0 BL g_A / (m_x m_d)
    H += λ_H ω,        λ_H = lr P / (γ0 g_C),   P mini-batches for a sweep over all columns
    |H| >= 1:          n = trunc(H) pulses on C, and H *= momentum

ω is what a read of A tells of the gradient: that is where the three differ.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import final

import torch

from hwsim.arguments import number
from hwsim.learning.algorithms.optimizer import Group, State, counting
from hwsim.learning.algorithms.transfer import TransferOptimizer, fast_rate
from hwsim.learning.array import Array
from hwsim.learning.update import Gradient


class BufferedOptimizer(TransferOptimizer):
    """An algorithm with a buffer between its arrays."""

    def _check(self, group: Group) -> None:
        super()._check(group)
        counting("gradient_slots", group)
        counting("most_pulses", group)
        number("fast_lr", group["fast_lr"], least=0)
        number("buffer_states", group["buffer_states"], above=0)
        number("momentum", group["momentum"], least=0, most=1)

    def _prepare(self, w: torch.Tensor, group: Group, state: State) -> None:
        super()._prepare(w, group, state)
        state["buffer"] = torch.zeros_like(w)

    @final
    def _update(self, gradient: Gradient, group: Group, state: State) -> torch.Tensor | None:
        rate = fast_rate(gradient, group, self._device(group, "fast_device").granularity, state)
        fast = self._gather(self._modulated(gradient, state), rate, group, state)
        slow = self._array(self._device(group), state, "slow")
        self._rest(slow, state, "slow")
        columns = self._due(group, state)
        if columns is not None:
            self._transfer(fast, columns, slow, group, state)
        return slow.weights

    @final
    def _transfer(self, fast: Array, columns: slice, slow: Array, group: Group, state: State) -> None:
        signal = self._demodulated(self._read(fast, columns, state), columns, group, state)
        buffer: torch.Tensor = state["buffer"]
        sweep = -(-buffer.shape[1] // group["transfer_columns"]) * group["transfer_every"]
        rate = group["lr"] * sweep / (group["buffer_states"] * self._device(group).granularity)
        held = buffer[:, columns].add_(signal * rate)
        counts = held.trunc().clamp_(-group["most_pulses"], group["most_pulses"])
        held.copy_(torch.where(counts != 0, held * group["momentum"], held))
        self._write_columns(counts, columns, slow, state)

    def _modulated(self, gradient: Gradient, state: State) -> Gradient:
        """Return the gradient with the signs of the moment."""
        return gradient

    @abstractmethod
    def _demodulated(self, values: torch.Tensor, columns: slice, group: Group, state: State) -> torch.Tensor:
        """Return what reads `(rows, columns)` tell of the gradient, and choose the signs that come next."""
