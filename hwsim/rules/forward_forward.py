"""Forward-forward: each layer raises its activity for inputs with their label and lowers it for wrong ones.

    goodness g = mean h²,  loss = log(1 + exp(θ - g_right)) + log(1 + exp(g_wrong - θ))

References:
    Hinton, The forward-forward algorithm: some preliminary investigations, 2022, arXiv 2212.13345.
"""

from __future__ import annotations

from typing import final

import torch
from torch.nn import functional as F

from hwsim.arguments import number
from hwsim.rules.contrast import ContrastiveRule


@final
class ForwardForward(ContrastiveRule):
    """Two forward passes; layers learn alone.

    Args:
        optimizer: of the system's parameters.
        n_classes: of the labels.
        threshold: θ.
        seed: of the wrong labels.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, n_classes: int, threshold: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__(optimizer, n_classes, seed)
        self.threshold = number("threshold", threshold, above=0)

    def _goodness(self, index: int, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.flatten(1).square().mean(1)

    def _contrast(self, right: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
        return (F.softplus(self.threshold - right) + F.softplus(wrong - self.threshold)).mean()
