"""Tiki-Taka: a fast array gathers the gradient, and its columns move the slow one by pulses.

    A -= lr fast_lr G by pulses;   C[:, k] += lr transfer_lr A[:, k] by pulses;   the network reads γ A + C

References:
    Gokmen, Haensch, Algorithm for training neural networks on resistive device arrays, Front. Neurosci. 14:103, 2020.
"""

from __future__ import annotations

from typing import final

import torch
from torch.optim.optimizer import ParamsT

from hwsim.arguments import number
from hwsim.learning.algorithms.optimizer import Group, State, counting
from hwsim.learning.algorithms.transfer import Reference, TransferOptimizer
from hwsim.learning.array import Array
from hwsim.learning.fabrication import AnyDevice
from hwsim.learning.periphery import Periphery
from hwsim.learning.update import Gradient
from hwsim.streams import stream


@final
class TikiTaka(TransferOptimizer):
    """Two arrays, the fast one read column by column.

    Args:
        params: parameters, or groups of them.
        device: of both arrays: a preset's name, or a device.
        lr: learning rate, in units of the digital weights.
        digital_lr: of vectors and digital groups; None for `lr`.
        fast_device: of the fast array; None for `device`.
        fast_lr: rate of the fast array, in units of `lr`.
        transfer_lr: rate of the slow array, in units of `lr`.
        transfer_every: mini-batches between two reads.
        transfer_columns: columns that are read then.
        gradient_slots: slots of the longest pulse train of the fast array.
        most_pulses: that one cell of the slow array gets in one transfer.
        gamma: part of the fast array that the network reads with the slow one.
        reference: what is subtracted from the fast array.
        reference_spread: error of the stored reference, in units of the weight.
        weight_range: place of a matrix's largest initial weight in the range of a cell.
        periphery: converters and noise of the reads of the fast array.
        seed: of everything random.
    """

    def __init__(
        self,
        params: ParamsT,
        device: str | AnyDevice = "reram-sb",
        *,
        lr: float = 0.1,
        digital_lr: float | None = None,
        fast_device: str | AnyDevice | None = None,
        fast_lr: float = 1.0,
        transfer_lr: float = 1.0,
        transfer_every: int = 1,
        transfer_columns: int = 1,
        gradient_slots: int = 31,
        most_pulses: int = 31,
        gamma: float = 0.0,
        reference: Reference = "exact",
        reference_spread: float = 0.0,
        weight_range: float = 0.4,
        periphery: Periphery | str = "preset",
        seed: int = 0,
    ) -> None:
        super().__init__(
            params,
            device,
            fast_device=fast_device,
            lr=lr,
            digital_lr=digital_lr,
            weight_range=weight_range,
            periphery=periphery,
            seed=seed,
            reference=reference,
            reference_spread=reference_spread,
            values={
                "fast_lr": fast_lr,
                "transfer_lr": transfer_lr,
                "transfer_every": transfer_every,
                "transfer_columns": transfer_columns,
                "gradient_slots": gradient_slots,
                "most_pulses": most_pulses,
                "gamma": gamma,
            },
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        counting("gradient_slots", group)
        counting("most_pulses", group)
        for name in ("fast_lr", "transfer_lr", "gamma"):
            number(name, group[name], least=0)

    def _update(self, gradient: Gradient, group: Group, state: State) -> torch.Tensor:
        fast = self._gather(gradient, group["lr"] * group["fast_lr"] / state["scale"], group, state)
        slow = self._array(self._device(group), state, "slow")
        self._rest(slow, state, "slow")
        columns = self._due(group, state)
        if columns is not None:
            self._transfer(fast, columns, slow, group, state)
        if group["gamma"] == 0:
            return slow.weights
        reference: torch.Tensor = state["reference"]
        return slow.weights + (fast.weights - reference) * float(group["gamma"])

    def _transfer(self, fast: Array, columns: slice, slow: Array, group: Group, state: State) -> None:
        rate = group["lr"] * group["transfer_lr"] / self._device(group).granularity
        wanted = (self._read(fast, columns, state) * rate).clamp(-group["most_pulses"], group["most_pulses"])
        drawn = torch.rand(wanted.shape, generator=stream(self._seed_of(state, "rounding"))).to(wanted.device)
        self._write_columns((wanted + drawn).floor(), columns, slow, state)
