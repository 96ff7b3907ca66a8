"""Direct feedback alignment: the error of the outputs goes to each layer through a random matrix of its own.

    δ_l = (B_l e) · φ'(z_l),  e = ∂L/∂y

No layer waits for the one behind it, and no model is needed.

References:
    Nøkland, Direct feedback alignment provides learning in deep neural networks, NeurIPS 2016, arXiv 1609.01596.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch.nn import functional as F

from hwsim.rules.random_feedback import RandomFeedback
from hwsim.rules.rule import Loss, OutputRule, products
from hwsim.rules.system import Layered


@final
class DirectFeedbackAlignment(OutputRule):
    """One random projection of the error for each hidden layer.

    Args:
        optimizer: of the system's parameters.
        loss: of outputs and targets.
        seed: of the random matrices, N(0, 1 / outputs of the layer).
    """

    needs = (Layered,)

    def __init__(self, optimizer: torch.optim.Optimizer, loss: Loss = F.cross_entropy, seed: int = 0) -> None:
        super().__init__(optimizer, loss)
        self._feedback = RandomFeedback(seed)

    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        *hidden, last = system.local_outputs(x)
        loss, error = output_error(self.loss, last, y)
        signals = [self._feedback.projection(str(k), error, h) for k, h in enumerate(hidden)]
        torch.autograd.backward([*hidden, last], [*signals, error])
        return loss

    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return those of projections and weights."""
        return batch * (products(widths) + widths[-1] * sum(widths[1:-1]))


def output_error(loss: Loss, outputs: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss and its gradient by the outputs."""
    outputs = outputs.detach().requires_grad_()
    value = loss(outputs, y)
    (error,) = torch.autograd.grad(value, outputs)
    return value, error
