"""Simultaneous perturbation: all parameters move by the same amount, each up or down at random.

    g = (L(θ + c Δ) - L(θ - c Δ)) / 2c · Δ,  Δ = ±1

References:
    Spall, Multivariate stochastic approximation using a simultaneous perturbation gradient approximation, IEEE Trans.
    Automat. Contr. 37:332, 1992.
"""

from __future__ import annotations

from typing import final

import torch

from hwsim.rules.perturbation import PerturbingRule
from hwsim.streams import uniform


@final
class SPSA(PerturbingRule):
    """Directions of ±1."""

    def _direction(self, parameter: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        signs = torch.where(uniform(parameter, generator) < 0.5, -1.0, 1.0)
        return signs.to(parameter)
