"""Feedback alignment: errors go back through fixed random weights, layer by layer.

    δ_l = (B_l δ_{l+1}) · φ'(z_l),  ΔW_l = -lr δ_l h_{l-1}ᵀ

The weights align with the random ones during training.

References:
    Lillicrap et al., Random synaptic feedback weights support error backpropagation for deep learning, Nat. Commun.
    7:13276, 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch.nn import functional as F

from hwsim.rules.random_feedback import RandomFeedback
from hwsim.rules.rule import Loss, OutputRule, inner_products, products
from hwsim.rules.system import Layered


@final
class FeedbackAlignment(OutputRule):
    """Random backward passes.

    Args:
        optimizer: of the system's parameters.
        loss: of outputs and targets.
        seed: of the random weights, N(0, 1 / inputs of the layer).
    """

    needs = (Layered,)

    def __init__(self, optimizer: torch.optim.Optimizer, loss: Loss = F.cross_entropy, seed: int = 0) -> None:
        super().__init__(optimizer, loss)
        self._feedback = RandomFeedback(seed)

    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = self.loss(system.measured_with_feedback(x, self._random), y)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return loss

    def _random(self, name: str, weight: torch.Tensor) -> torch.Tensor:
        return self._feedback.of(name, weight.detach(), weight[0].numel())

    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return those of errors and weights."""
        return batch * (products(widths) + inner_products(widths))
