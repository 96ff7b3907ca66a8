"""A layered Hopfield network, which settles into a state of least energy.

    E = ½ Σ s² - Σ b ρ(s) - Σ ρ(s_l) W_l ρ(s_{l+1}) + β |o - target|²,  ρ(s) = s clipped to [0, 1]

Each step moves all states by ε down the energy and clips them to [0, 1]. Connections are the same in both directions,
and so are their errors: W (1 + gap ξ).

References:
    Scellier, Bengio, Equilibrium propagation: bridging the gap between energy-based models and backpropagation, Front.
    Comput. Neurosci. 11:24, 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch

from hwsim.arguments import number, whole
from hwsim.rules.system import PhysicalSystem, Settling
from hwsim.streams import standard_normal, stream


@final
class EnergyNetwork(PhysicalSystem, Settling):
    """Layers of units between 0 and 1 with connections both ways.

    Args:
        widths: units of the inputs, of each hidden layer, and of the outputs.
        steps: of its dynamics, from zeros, when it is measured.
        step_size: ε.
        gap: standard deviation of the relative error of a connection.
        seed: of the initial weights and the errors.

    Attributes:
        weights: `(units before, units)` of each layer.
        biases: `(units,)`.
    """

    def __init__(
        self, widths: Sequence[int], steps: int = 30, step_size: float = 0.5, gap: float = 0.0, seed: int = 0
    ) -> None:
        if len(widths) < 2:
            raise ValueError(f"`widths` must be those of inputs and outputs at least, got {list(widths)}")
        pairs = list(pairwise(widths))
        for width in widths:
            whole("widths", width, least=1)
        self._steps = whole("steps", steps, least=1)
        self._step_size = number("step_size", step_size, above=0, most=1)
        gap, seed = number("gap", gap, least=0), whole("seed", seed)
        self.weights, self.biases, self._factors = [], [], []
        for index, (before, after) in enumerate(pairs):
            limit = (6 / (before + after)) ** 0.5
            uniform = torch.rand(before, after, generator=stream(seed, "weights", index))
            self.weights.append(((2 * uniform - 1) * limit).requires_grad_())
            self.biases.append(torch.zeros(after).requires_grad_())
            error = standard_normal(uniform, stream(seed, "mismatch", index))
            self._factors.append(1 + gap * error)
        super().__init__([*self.weights, *self.biases])

    def _measure(self, x: torch.Tensor) -> torch.Tensor:
        return self._settled(x, self._steps, None, None, 0.0)[-1]

    @torch.no_grad()
    def settle(
        self,
        x: torch.Tensor,
        steps: int,
        start: list[torch.Tensor] | None = None,
        target: torch.Tensor | None = None,
        nudge: float = 0.0,
    ) -> list[torch.Tensor]:
        """Return the states of the layers after some steps, `(batch, units)`."""
        self.passes.forward += 1
        return self._settled(x, steps, start, target, nudge)

    @torch.no_grad()
    def energy_gradient(self, x: torch.Tensor, states: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the gradient of the energy by weights and biases: products of the units at both ends."""
        before = [x, *states[:-1]]
        pairs = zip(before, states, strict=True)
        return [*(-a.T @ s / len(x) for a, s in pairs), *(-s.mean(0) for s in states)]

    def _settled(
        self,
        x: torch.Tensor,
        steps: int,
        start: list[torch.Tensor] | None,
        target: torch.Tensor | None,
        nudge: float,
    ) -> list[torch.Tensor]:
        if x.ndim != 2 or x.shape[1] != len(self.weights[0]):
            raise ValueError(f"inputs must be `(batch, {len(self.weights[0])})`, got {tuple(x.shape)}")
        held = [
            weight * factor.to(weight) for weight, factor in zip(self.weights, self._factors, strict=True)
        ]
        states = start or [x.new_zeros(len(x), weight.shape[1]) for weight in held]
        from_inputs = x @ held[0]
        for _ in range(steps):
            moved = []
            for index, state in enumerate(states):
                drive = from_inputs if index == 0 else states[index - 1] @ held[index]
                drive = drive + self.biases[index] - state
                if index + 1 < len(states):
                    drive = drive + states[index + 1] @ held[index + 1].T
                elif target is not None:
                    drive = drive - 2 * nudge * (state - target)
                moved.append((state + self._step_size * drive).clamp(0, 1))
            states = moved
        return states
