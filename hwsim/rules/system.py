"""Physical systems, and what can be done with them: the abilities that learning rules need.

A system computes outputs from its inputs and from the parameters that are written to it. Every system can be measured.
Anything beyond that, such as a model or a backward pass, is an ability, and each ability is a class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch

from hwsim.arguments import require

Feedback: TypeAlias = Callable[[str, torch.Tensor], torch.Tensor | None]
"""Name and weights of a layer → weights that errors go back through; None where no error goes back."""


@dataclass
class Passes:
    """How often a system ran.

    Attributes:
        forward: passes of a batch, each phase of a settling system counted.
        backward: passes of errors through the transposed arrays.
    """

    forward: int = 0
    backward: int = 0


class PhysicalSystem(ABC):
    """Something whose outputs are measured.

    Args:
        parameters: what is written to it and trained.

    Attributes:
        parameters: the same, as a list.
        passes: how often it ran.
    """

    def __init__(self, parameters: Iterable[torch.Tensor]) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("a physical system must have a parameter to train, got none")
        for parameter in self.parameters:
            require(parameter, torch.Tensor, "parameters of a physical system must be tensors")
        self.passes = Passes()

    @torch.no_grad()
    def measure(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs for a batch of inputs with the present parameters, without gradients."""
        self.passes.forward += 1
        return self._measure(x)

    @abstractmethod
    def _measure(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs."""


class Modelled(ABC):
    """A system with a differentiable model."""

    ability: ClassVar = "a model"
    remedy: ClassVar = (
        "give hwsim.rules.MeasuredWithModel one, or use SPSA or ForwardGradient, which only measure"
    )

    @abstractmethod
    def model(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the model computes, with its gradients; the device does not run."""

    @abstractmethod
    def measured_with_model(self, x: torch.Tensor) -> torch.Tensor:
        """Return measured outputs whose gradients are those of the model at the measured inputs of each layer."""


class Layered(ABC):
    """A system of layers of weights whose inputs and outputs are measured."""

    ability: ClassVar = "layers whose outputs are measured"
    remedy: ClassVar = (
        "use MismatchedNetwork or ProgrammedNetwork, or SPSA or ForwardGradient, which only measure"
    )

    @property
    @abstractmethod
    def input_width(self) -> int | None:
        """Features of an input `(batch, features)`; None where they do not follow from the system."""

    @abstractmethod
    def measured_with_feedback(self, x: torch.Tensor, feedback: Feedback) -> torch.Tensor:
        """Return measured outputs; errors go back through the weights that `feedback` gives for each layer."""

    @abstractmethod
    def local_outputs(
        self, x: torch.Tensor, between: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> list[torch.Tensor]:
        """Return the measured outputs of each layer, with gradients of its own parameters alone.

        Args:
            x: the inputs.
            between: what is done, digitally, to the outputs of each layer before the next; None for nothing.
        """


class Reciprocal(ABC):
    """A system whose arrays also multiply errors by their transposed weights."""

    ability: ClassVar = "a backward pass through its arrays"
    remedy: ClassVar = "use MismatchedNetwork or ProgrammedNetwork, or FeedbackAlignment, which needs none"

    @abstractmethod
    def measured_both_ways(self, x: torch.Tensor) -> torch.Tensor:
        """Return measured outputs; errors go back through the arrays themselves."""


class Settling(ABC):
    """A system that settles into a state of least energy, and can be nudged toward a target."""

    ability: ClassVar = "a second phase, in which it is nudged"
    remedy: ClassVar = "use EnergyNetwork, or another rule"

    @abstractmethod
    def settle(
        self,
        x: torch.Tensor,
        steps: int,
        start: list[torch.Tensor] | None = None,
        target: torch.Tensor | None = None,
        nudge: float = 0.0,
    ) -> list[torch.Tensor]:
        """Return the states of the layers `(batch, units)`, the outputs last.

        Args:
            x: inputs, held fixed.
            steps: of its dynamics.
            start: states to start from; None for zeros.
            target: of the outputs.
            nudge: β, weight of the squared distance from the target in the energy.
        """

    @abstractmethod
    def energy_gradient(self, x: torch.Tensor, states: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the gradient of the energy, mean over the batch, by each of the parameters."""
