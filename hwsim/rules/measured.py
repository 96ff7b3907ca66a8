"""Any callable as a physical system: an experiment, a simulator of another kind, a device behind a driver."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, final

import torch

from hwsim.arguments import shown
from hwsim.rules.system import Modelled, PhysicalSystem

Run: TypeAlias = Callable[..., torch.Tensor]
"""Inputs `(batch, …)`, then the parameters one by one → outputs `(batch, …)`."""


def _checked(name: str, run: object) -> None:
    if not callable(run):
        raise TypeError(f"`{name}` must be a function of inputs and parameters, got {shown(run)}")


def _outputs(name: str, y: object, x: torch.Tensor) -> torch.Tensor:
    if not isinstance(y, torch.Tensor) or y.ndim == 0 or len(y) != len(x):
        got = f"shape {tuple(y.shape)}" if isinstance(y, torch.Tensor) else type(y).__name__
        raise ValueError(f"`{name}` must return a tensor with a row for each of {len(x)} inputs, got {got}")
    return y


@final
class Measured(PhysicalSystem):
    """A callable that is only measured.

    Args:
        run: takes inputs and the parameters, `run(x, *parameters)`, and returns outputs.
        parameters: tensors that a rule trains in place.

    Example:
        >>> w = torch.zeros(2, 3)
        >>> Measured(lambda x, w: torch.tanh(x @ w.T), [w]).measure(torch.ones(5, 3)).shape
        torch.Size([5, 2])
    """

    def __init__(self, run: Run, parameters: Iterable[torch.Tensor]) -> None:
        _checked("run", run)
        super().__init__(parameters)
        self._run = run

    def _measure(self, x: torch.Tensor) -> torch.Tensor:
        return _outputs("run", self._run(x, *self.parameters), x)


@final
class MeasuredWithModel(PhysicalSystem, Modelled):
    """A callable that is measured, and a differentiable model of it, which need not be exact.

    Args:
        run: takes inputs and the parameters, `run(x, *parameters)`, and returns outputs.
        model: the same with gradients of torch.
        parameters: tensors that require gradients; a rule trains them in place.
    """

    def __init__(self, run: Run, model: Run, parameters: Iterable[torch.Tensor]) -> None:
        _checked("run", run)
        _checked("model", model)
        super().__init__(parameters)
        self._run, self._model = run, model

    def _measure(self, x: torch.Tensor) -> torch.Tensor:
        return _outputs("run", self._run(x, *self.parameters), x)

    def model(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the model computes, with its gradients."""
        return _outputs("model", self._model(x, *self.parameters), x)

    def measured_with_model(self, x: torch.Tensor) -> torch.Tensor:
        """Return measured outputs whose gradients are those of the model at the same inputs and parameters."""
        modelled = self.model(x)
        return self.measure(x) + (modelled - modelled.detach())
