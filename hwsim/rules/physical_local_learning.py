"""Physical local learning: each layer turns toward a direction for right labels and away from it for wrong ones.

    goodness g = cos(h, r),  loss = log(1 + exp(s (g_wrong - g_right))),  r random and fixed

A layer's direction is what is compared, not its activity: gains of the device that drift do not count. The exact loss
of the publication could not be verified; this one has its cosine contrast between a positive and a negative pass.

References:
    Momeni, Rahmani, Malléjac, del Hougne, Fleury, Backpropagation-free training of deep physical neural networks,
    Science 382:1297, 2023.
"""

from __future__ import annotations

from typing import final

import torch
from torch.nn import functional as F

from hwsim.arguments import number, whole
from hwsim.rules.contrast import ContrastiveRule
from hwsim.rules.random_feedback import RandomFeedback


@final
class PhysicalLocalLearning(ContrastiveRule):
    """Two forward passes; layers learn alone, from directions.

    Args:
        optimizer: of the system's parameters.
        n_classes: of the labels.
        sharpness: s.
        seed: of the wrong labels and the directions.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, n_classes: int, sharpness: float = 10.0, seed: int = 0
    ) -> None:
        super().__init__(optimizer, n_classes, seed)
        self.sharpness = number("sharpness", sharpness, above=0)
        self._directions = RandomFeedback(whole("seed", seed))

    def _goodness(self, index: int, outputs: torch.Tensor) -> torch.Tensor:
        h = outputs.flatten(1)
        return F.cosine_similarity(h, self._directions.of(str(index), h[:1].detach(), 1), eps=1e-4)

    def _contrast(self, right: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
        return F.softplus(self.sharpness * (wrong - right)).mean()
