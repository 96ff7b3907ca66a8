"""What all rules share: one interface, a check of what the system can do, and the optimiser that applies gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias, final

import torch
from torch.nn import functional as F

from hwsim.arguments import require
from hwsim.rules.system import PhysicalSystem

Loss: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Outputs and targets → mean loss of a batch."""


class Rule(ABC):
    """A learning rule.

    Args:
        optimizer: of the system's parameters, or of some, which alone are trained; it applies what the rule finds in
            place of a gradient.

    Attributes:
        needs: abilities that a system must have, classes of `hwsim.rules.system`.
    """

    needs: ClassVar[tuple[Any, ...]] = ()

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        require(optimizer, torch.optim.Optimizer, "`optimizer` must be an optimiser of torch")
        self.optimizer = optimizer

    @final
    def step(self, system: PhysicalSystem, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Learn from a batch, and return its loss.

        Args:
            system: what is trained.
            x: inputs `(batch, …)`.
            y: targets: classes `(batch,)` int64, or what the loss takes.

        Raises:
            ValueError: for a system that cannot do what the rule needs, an optimiser of other parameters, or a batch
                that does not fit.
        """
        loss = self.gradient(system, x, y)
        self.optimizer.step()
        return loss

    @final
    def gradient(self, system: PhysicalSystem, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Put what the rule finds into `grad` of the trained parameters, without a step, and return the loss.

        The `grad` of parameters that the optimiser does not hold stays as it is.
        """
        require(
            system, PhysicalSystem, "`system` must be a system of hwsim.rules", "Measured takes any callable"
        )
        for ability in self.needs:
            if not isinstance(system, ability):
                raise ValueError(
                    f"{type(self).__name__} must have {ability.ability}, got {type(system).__name__} without: "
                    f"{ability.remedy}"
                )
        trained = {id(parameter) for parameter in self.trained(system)}
        if not trained:
            raise ValueError(
                "`optimizer` must hold parameters of the system, got others: make it of `system.parameters`"
            )
        if len(x) == 0 or len(x) != len(y):
            raise ValueError(f"`x` and `y` must have the same items, at least one, got {len(x)} and {len(y)}")
        before = [parameter.grad for parameter in system.parameters]
        for parameter in system.parameters:
            parameter.grad = None
        try:
            return self._gradient(system, x, y).detach()
        finally:
            for parameter, grad in zip(system.parameters, before, strict=True):
                if id(parameter) not in trained:
                    parameter.grad = grad

    @final
    def trained(self, system: PhysicalSystem) -> list[torch.Tensor]:
        """Return the parameters of a system that the optimiser holds, in their order."""
        held = {id(parameter) for group in self.optimizer.param_groups for parameter in group["params"]}
        return [parameter for parameter in system.parameters if id(parameter) in held]

    @abstractmethod
    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Fill `grad` and return the loss; `system` has all abilities that are needed."""

    @torch.no_grad()
    def scores(self, system: PhysicalSystem, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs by which the trained system is judged, `(batch, classes)`."""
        return system.measure(x)

    @abstractmethod
    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return the digital multiplications of a step, for a fully connected network of these widths."""


class OutputRule(Rule):
    """A rule that follows a loss of the outputs.

    Args:
        optimizer: of the system's parameters.
        loss: of outputs and targets; cross-entropy of classes unless given.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, loss: Loss = F.cross_entropy) -> None:
        super().__init__(optimizer)
        self._loss = loss

    @final
    def loss(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the loss of outputs.

        Raises:
            ValueError: for targets that do not fit the outputs.
        """
        try:
            return self._loss(outputs, y)
        except (IndexError, RuntimeError, ValueError) as error:
            raise ValueError(
                f"targets `y` must fit outputs {tuple(outputs.shape)} in the loss, got {y.dtype} {tuple(y.shape)}: "
                + str(error).partition("\n")[0]
            ) from None


def products(widths: Sequence[int]) -> int:
    """Return the weights of a fully connected network: multiplications of a pass of one sample."""
    return sum(before * after for before, after in pairwise(widths))


def inner_products(widths: Sequence[int]) -> int:
    """Return the same without the first layer: multiplications of a backward pass."""
    return products(widths) - widths[0] * widths[1]


def one_hot(y: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Return `(batch, n_classes)` of classes.

    Raises:
        ValueError: for targets that are not classes `(batch,)` int64 from 0 to below `n_classes`.
    """
    if y.dtype != torch.int64 or y.ndim != 1 or int(y.min()) < 0 or int(y.max()) >= n_classes:
        got = f"{y.dtype} {tuple(y.shape)}" + (f" from {y.min()} to {y.max()}" if y.numel() else "")
        raise ValueError(f"`y` must be classes, `(batch,)` int64 from 0 to {n_classes - 1}, got {got}")
    return F.one_hot(y, n_classes).float()
