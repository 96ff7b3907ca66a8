"""Mixed precision: the gradient accumulates digitally, and the array gets whole pulses.

    χ -= lr G;    every `transfer_every` mini-batches: n = trunc(χ / g), χ -= n g, n pulses on every cell

References:
    Nandakumar et al., Mixed-precision deep learning based on computational memory, Front. Neurosci. 14:406, 2020.
"""

from __future__ import annotations

from typing import final

import torch
from torch.optim.optimizer import ParamsT

from hwsim.learning.algorithms.optimizer import Group, PulsedOptimizer, State, counting
from hwsim.learning.fabrication import AnyDevice
from hwsim.learning.update import Gradient


@final
class MixedPrecision(PulsedOptimizer):
    """Digital accumulation, with whole pulses on the array.

    Args:
        params: parameters, or groups of them.
        device: a preset's name, or a device.
        lr: learning rate, in units of the digital weights, as that of torch.optim.SGD.
        digital_lr: of vectors and digital groups; None for `lr`.
        transfer_every: mini-batches between two writes of the array.
        most_pulses: that one cell gets in one write; the rest waits.
        weight_range: place of a matrix's largest initial weight in the range of a cell.
        seed: of everything random.
    """

    def __init__(
        self,
        params: ParamsT,
        device: str | AnyDevice = "reram-sb",
        *,
        lr: float = 0.1,
        digital_lr: float | None = None,
        transfer_every: int = 1,
        most_pulses: int = 31,
        weight_range: float = 0.4,
        seed: int = 0,
    ) -> None:
        super().__init__(
            params,
            device,
            lr=lr,
            digital_lr=digital_lr,
            weight_range=weight_range,
            seed=seed,
            values={"transfer_every": transfer_every, "most_pulses": most_pulses},
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        counting("transfer_every", group)
        counting("most_pulses", group)

    def _prepare(self, w: torch.Tensor, group: Group, state: State) -> None:
        self._make(self._device(group), w, state, "slow")
        state["waiting"] = torch.zeros_like(w)

    def _update(self, gradient: Gradient, group: Group, state: State) -> torch.Tensor:
        device = self._device(group)
        array, waiting = self._array(device, state, "slow"), state["waiting"]
        waiting -= gradient.matrix * (group["lr"] / state["scale"])
        if (state["step"] + 1) % group["transfer_every"] == 0:
            most = group["most_pulses"]
            counts = (waiting / device.granularity).trunc().clamp(-most, most)
            waiting -= counts * device.granularity
            array.pulse(counts.to(torch.int32), self._seed_of(state, "update"))
        self._rest(array, state, "slow")
        return array.weights
