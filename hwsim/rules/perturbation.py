"""Gradients from measurements alone: the difference of the losses at both ends of a random step of the parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, final

import torch
from torch.nn import functional as F

from hwsim.arguments import number, whole
from hwsim.rules.rule import Loss, OutputRule, products
from hwsim.rules.system import PhysicalSystem
from hwsim.streams import stream


class PerturbingRule(OutputRule):
    """A rule that measures the loss along random directions.

    Args:
        optimizer: of the system's parameters.
        loss: of outputs and targets.
        directions: of each step; each takes two passes.
        size: c, how far parameters are moved.
        seed: of the directions.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        loss: Loss = F.cross_entropy,
        *,
        directions: int = 8,
        size: float = 1e-2,
        seed: int = 0,
    ) -> None:
        super().__init__(optimizer, loss)
        self.directions = whole("directions", directions, least=1)
        self.size = number("size", size, above=0)
        self._generator = stream(whole("seed", seed), "directions")

    @abstractmethod
    def _direction(self, parameter: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return a random direction of a parameter, with covariance 1."""

    @final
    @torch.no_grad()
    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), device=x.device)
        moved = self.trained(system)
        sums = [torch.zeros_like(parameter) for parameter in moved]
        for _ in range(self.directions):
            along = [self._direction(parameter, self._generator) for parameter in moved]
            there, back = self._losses(system, x, y, moved, along)
            torch._foreach_add_(sums, along, alpha=float(there - back) / (2 * self.size * self.directions))
            total += (there + back) / 2
        for parameter, found in zip(moved, sums, strict=True):
            parameter.grad = found
        return total / self.directions

    def _losses(
        self,
        system: PhysicalSystem,
        x: torch.Tensor,
        y: torch.Tensor,
        moved: list[torch.Tensor],
        along: list[torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss at both ends, and put the parameters back."""
        before = [parameter.detach().clone() for parameter in moved]
        found = []
        try:
            for sign in (1, -1):
                for parameter, value, direction in zip(moved, before, along, strict=True):
                    parameter.copy_(value).add_(direction, alpha=sign * self.size)
                found.append(self.loss(system.measure(x), y))
        finally:
            for parameter, value in zip(moved, before, strict=True):
                parameter.copy_(value)
        return found[0], found[1]

    @final
    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return those of moving the weights there and back and of scaling the directions; the batch does not count."""
        return 3 * self.directions * products(widths)
