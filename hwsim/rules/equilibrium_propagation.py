"""Equilibrium propagation, symmetric: the device settles freely, then nudged toward the target and away from it.

    ΔW = -lr (∂E/∂W|_{+β} - ∂E/∂W|_{-β}) / 2β

As β goes to zero this is the gradient of the squared distance of the outputs from the target. The energy's gradient by
a weight is the product of the units at its ends, which are measured.

References:
    Scellier, Bengio, Front. Comput. Neurosci. 11:24, 2017.
    Laborieux et al., Scaling equilibrium propagation to deep ConvNets by drastically reducing its gradient estimator
    bias, Front. Neurosci. 15:633674, 2021 (the symmetric form).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch

from hwsim.arguments import number, whole
from hwsim.rules.rule import Rule, one_hot, products
from hwsim.rules.system import Settling


@final
class EquilibriumPropagation(Rule):
    """Three phases of a system that settles.

    Args:
        optimizer: of the system's parameters.
        nudge: β.
        free_steps: of the dynamics in the free phase.
        nudged_steps: of each nudged phase, from the free state.
    """

    needs = (Settling,)

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        nudge: float = 0.5,
        free_steps: int = 30,
        nudged_steps: int = 8,
    ) -> None:
        super().__init__(optimizer)
        self.nudge = number("nudge", nudge, above=0)
        self.free_steps = whole("free_steps", free_steps, least=1)
        self.nudged_steps = whole("nudged_steps", nudged_steps, least=1)

    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        free = system.settle(x, self.free_steps)
        target = one_hot(y, free[-1].shape[1])
        there, back = (
            system.energy_gradient(x, system.settle(x, self.nudged_steps, free, target, sign * self.nudge))
            for sign in (1, -1)
        )
        for parameter, plus, minus in zip(system.parameters, there, back, strict=True):
            parameter.grad = (plus - minus) / (2 * self.nudge)
        distance: torch.Tensor = (free[-1] - target).square().sum(1).mean()
        return distance

    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return those of the products of units, from two phases."""
        return batch * 2 * products(widths)
