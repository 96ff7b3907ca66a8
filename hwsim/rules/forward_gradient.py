"""Forward gradients: the slope along a random direction, times the direction.

    g = (∇L · v) v,  v ~ N(0, 1),  ∇L · v ≈ (L(θ + c v) - L(θ - c v)) / 2c

Its mean is the gradient; its variance grows with the number of parameters.

References:
    Baydin et al., Gradients without backpropagation, 2022, arXiv 2202.08587.
"""

from __future__ import annotations

from typing import final

import torch

from hwsim.rules.perturbation import PerturbingRule
from hwsim.streams import standard_normal


@final
class ForwardGradient(PerturbingRule):
    """Normal directions; slopes are measured as differences."""

    def _direction(self, parameter: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return standard_normal(parameter, generator).to(parameter)
