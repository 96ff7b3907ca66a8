"""Analog SGD: every mini-batch moves the cells that are read by pulses, W -= lr d xᵀ sample by sample.

On asymmetric devices it does not descend the loss alone: as many pulses up as down still move each cell toward its
symmetry point.

References:
    Gokmen, Vlasov, Acceleration of deep neural network training with resistive cross-point devices, Front.
    Neurosci. 10:333, 2016.
"""

from __future__ import annotations

from typing import Any, final

import torch
from torch.optim.optimizer import ParamsT

from hwsim.arguments import require
from hwsim.learning.algorithms.optimizer import Group, PulsedOptimizer, State, counting
from hwsim.learning.fabrication import AnyDevice
from hwsim.learning.pulse_trains import PulseSettings
from hwsim.learning.update import Gradient, Mode, apply


@final
class AnalogSGD(PulsedOptimizer):
    """Stochastic gradient descent by pulses on the cells that are read.

    Args:
        params: parameters, or groups of them.
        device: a preset's name, or a device.
        lr: learning rate, in units of the digital weights, as that of torch.optim.SGD.
        digital_lr: of vectors and digital groups; None for `lr`.
        most_slots: slots of the longest pulse train.
        update_management: whether rows and columns share the probability of pulses evenly.
        bound_management: whether trains are only as long as the largest product needs.
        mode: `stochastic` pulses, or their `expected` number.
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
        most_slots: int = 31,
        update_management: bool = True,
        bound_management: bool = True,
        mode: Mode = "stochastic",
        weight_range: float = 0.4,
        seed: int = 0,
    ) -> None:
        values: dict[str, Any] = {
            "most_slots": most_slots,
            "update_management": update_management,
            "bound_management": bound_management,
            "mode": mode,
        }
        super().__init__(
            params,
            device,
            lr=lr,
            digital_lr=digital_lr,
            weight_range=weight_range,
            seed=seed,
            values=values,
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        counting("most_slots", group)
        for name in ("update_management", "bound_management"):
            require(group[name], bool, f"`{name}` must be True or False")
        if group["mode"] not in ("stochastic", "expected"):
            raise ValueError(f"`mode` must be stochastic or expected, got {group['mode']!r}")

    def _prepare(self, w: torch.Tensor, group: Group, state: State) -> None:
        self._make(self._device(group), w, state, "slow")

    def _update(self, gradient: Gradient, group: Group, state: State) -> torch.Tensor:
        device = self._device(group)
        array = self._array(device, state, "slow")
        settings = PulseSettings(group["most_slots"], group["update_management"], group["bound_management"])
        seed = self._seed_of(state, "update")
        apply(
            array, gradient, group["lr"] / state["scale"], device.granularity, settings, seed, group["mode"]
        )
        self._rest(array, state, "slow")
        return array.weights
