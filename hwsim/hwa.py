"""Hardware-aware training: noise on weights and outputs in forward and backward, not in the update.

Each mini-batch sees ``W + λ γ σ ξ`` with γ the largest weight of each column, σ the noise strength and λ a
linear ramp; the gradient of the noisy weights updates the clean ones. Converters and output noise act in
the forward pass, with straight-through gradients. After each update the weights are clipped at a multiple
of their layer's standard deviation, so that few outliers do not take the conductance range from all others.

References:
    Joshi et al., Nat. Commun. 11:2473, 2020 (weight noise and clipping).
    Rasch et al., Nat. Commun. 14:5282, 2023 (hardware-aware training of all non-idealities).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from hwsim.conversion import analog_layers
from hwsim.modules import NOMINAL, AnalogLayer, Execution
from hwsim.noise import NoisePool, NoiseStream


class HwaTraining:
    """What a training loop adds to become hardware-aware.

    Args:
        net: an analog network with calibrated input ranges.
        generator: source of all noise.
        weight_noise: standard deviation, relative to the largest weight of each column.
        clip_sigma: weights are clipped at this many standard deviations of their layer; None for no clipping.
        ramp_steps: mini-batches until the weight noise has its full strength.

    Raises:
        ValueError: for a network without analog layers, or a value out of range.

    Example:
        >>> from hwsim import preset, to_analog
        >>> net = to_analog(nn.Linear(4, 2), preset("floating-point"))
        >>> hwa = HwaTraining(net, generator=torch.Generator().manual_seed(0))
        >>> with hwa.step():
        ...     net(torch.ones(1, 4)).sum().backward()
        >>> hwa.after_update()
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        generator: torch.Generator,
        weight_noise: float = 0.06,
        clip_sigma: float | None = 2.5,
        ramp_steps: int = 0,
    ) -> None:
        self._layers: list[AnalogLayer] = [layer for _, layer in analog_layers(net)]
        if not self._layers:
            raise ValueError(
                "`net` must have at least one analog layer, got none: call hwsim.to_analog first"
            )
        if not weight_noise >= 0:
            raise ValueError(f"`weight_noise >= 0` must hold, got {weight_noise}")
        if clip_sigma is not None and not clip_sigma > 0:
            raise ValueError(f"`clip_sigma > 0` must hold, got {clip_sigma}; None switches clipping off")
        if ramp_steps < 0:
            raise ValueError(f"`ramp_steps >= 0` must hold, got {ramp_steps}")
        self._generator = generator
        self._pool = NoisePool(generator)
        self._weight_noise = weight_noise
        self._clip_sigma = clip_sigma
        self._ramp_steps = ramp_steps
        self._steps = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """Run one mini-batch, forward and backward, with noise drawn anew."""
        self._steps += 1
        ramp = min(1.0, self._steps / self._ramp_steps) if self._ramp_steps else 1.0
        key = int(torch.randint(2**62, (), generator=self._generator))
        stream = NoiseStream(self._pool, key)
        for index, layer in enumerate(self._layers):
            layer.execution = Execution(
                weight_noise=self._draw(layer, ramp * self._weight_noise), noise=stream.child(index)
            )
        try:
            yield
        finally:
            for layer in self._layers:
                layer.execution = NOMINAL

    @torch.no_grad()
    def after_update(self) -> None:
        """Clip the weights; call it after every step of the optimiser."""
        if self._clip_sigma is None:
            return
        for layer in self._layers:
            bound = float(layer.weight.std(correction=0)) * self._clip_sigma
            if bound > 0:
                layer.weight.clamp_(-bound, bound)

    @torch.no_grad()
    def _draw(self, layer: AnalogLayer, std: float) -> torch.Tensor | None:
        if std == 0:
            return None
        noise = torch.randn(layer.weight.shape, generator=self._generator)
        matrix = noise.view(layer.weight.shape[0], -1)
        for (row0, row1), scales in zip(layer.mapping.blocks, layer.column_scales(), strict=True):
            matrix[:, row0:row1] *= (std * scales).unsqueeze(1)
        return noise
