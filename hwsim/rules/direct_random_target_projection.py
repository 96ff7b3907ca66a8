"""Direct random target projection: hidden layers learn from a random projection of the target, the last from its error.

    δ_l = (B_l t) · φ'(z_l),  t one-hot

Hidden layers need not even wait for the forward pass to end.

References:
    Frenkel, Lefebvre, Bol, Learning without feedback: fixed random learning signals allow for feedforward training of
    deep neural networks, Front. Neurosci. 15:629892, 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch.nn import functional as F

from hwsim.rules.direct_feedback_alignment import output_error
from hwsim.rules.random_feedback import RandomFeedback
from hwsim.rules.rule import Loss, OutputRule, one_hot, products
from hwsim.rules.system import Layered


@final
class DirectRandomTargetProjection(OutputRule):
    """One random projection of the target for each hidden layer.

    Args:
        optimizer: of the system's parameters.
        loss: of outputs and classes.
        seed: of the random matrices, N(0, 1 / outputs of the layer).
    """

    needs = (Layered,)

    def __init__(self, optimizer: torch.optim.Optimizer, loss: Loss = F.cross_entropy, seed: int = 0) -> None:
        super().__init__(optimizer, loss)
        self._feedback = RandomFeedback(seed)

    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        *hidden, last = system.local_outputs(x)
        loss, error = output_error(self.loss, last, y)
        target = one_hot(y, last.shape[1]) / len(x)
        signals = [self._feedback.projection(str(k), target, h) for k, h in enumerate(hidden)]
        torch.autograd.backward([*hidden, last], [*signals, error])
        return loss

    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return those of the weights: the projection of a target is a column of the matrix."""
        return batch * products(widths)
