"""Pulse trains: how two lines of random pulses make the outer product of an update in one parallel step.

Wanted is ΔW = -lr d xᵀ on cells that move by the granularity g. In each of BL slots, column j gets a pulse with
probability p_x and row i with p_d; a cell moves by one step where both meet:

    K = lr max|x| max|d| / g
    update-bound management:  BL = min(ceil K, BL_max);   off: BL = BL_max, or ceil(lr / g) where that is too short
    p_x = min(B |x_j|, 1),  p_d = min(A |d_i|, 1),        A = B = sqrt(lr / (g BL))
    update management:        A *= sqrt(m_x / m_d),  B *= sqrt(m_d / m_x),  m_d lowered by BL_max / K where K > BL_max

so that the mean number of coincidences is BL p_x p_d = lr |x d| / g, while no probability is above 1.

References:
    Gokmen, Vlasov, Acceleration of deep neural network training with resistive cross-point devices, Front.
    Neurosci. 10:333, 2016.
    Gokmen, Onen, Haensch, Training deep convolutional neural networks with resistive cross-point devices, Front.
    Neurosci. 11:538, 2017 (update management).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from hwsim.learning.kernels import pulses
from hwsim.learning.kernels.plain import SLOTS, words

ONE = 1 << 24
"""Threshold of a probability of 1."""


@dataclass(frozen=True)
class PulseSettings:
    """How pulse trains are made.

    Attributes:
        most_slots: BL_max, slots of the longest train.
        update_management: whether rows and columns share the probability evenly.
        bound_management: whether trains are only as long as the largest product needs; implies `update_management`.
    """

    most_slots: int = 31
    update_management: bool = True
    bound_management: bool = True


class Probabilities(NamedTuple):
    """Probabilities of pulses for each sample of a batch.

    Attributes:
        x: `(samples, columns)` float32.
        d: `(samples, rows)` float32.
        slots: `(samples,)` int64, BL; 0 where nothing changes.
    """

    x: torch.Tensor
    d: torch.Tensor
    slots: torch.Tensor


class PulseTrains(NamedTuple):
    """Random words of pulses: one chunk is up to 31 slots of one sample.

    Attributes:
        x: `(chunks, columns)` int32.
        d: `(chunks, rows)` int32.
    """

    x: torch.Tensor
    d: torch.Tensor


def probabilities(
    x: torch.Tensor, d: torch.Tensor, lr: float, granularity: float, settings: PulseSettings
) -> Probabilities:
    """Return the probabilities of pulses.

    Args:
        x: `(samples, columns)` float32.
        d: `(samples, rows)` float32, the gradients of the rows.
        lr: learning rate in units of the weight of a cell.
        granularity: mean step of a cell.
        settings: management of the update.
    """
    largest_x, largest_d = x.abs().amax(1), d.abs().amax(1)
    strength = lr * largest_x * largest_d / granularity
    most = settings.most_slots
    if settings.bound_management:
        slots = strength.ceil().clamp(max=most)
        scale = (torch.full_like(slots, lr / granularity) / slots.clamp(min=1)).sqrt()
    elif granularity * most >= lr:
        slots = torch.where(strength > 0, float(most), 0.0)
        scale = torch.full_like(slots, (lr / (granularity * most)) ** 0.5)
    else:
        slots = torch.where(strength > 0, float(-(-lr // granularity)), 0.0)
        scale = torch.ones_like(slots)
    x_scale = d_scale = scale
    if settings.update_management or settings.bound_management:
        lowered = largest_d * (slots / strength).clamp(max=1)
        ratio = (largest_x / lowered).sqrt().nan_to_num(1.0, 1.0)  # where nothing changes
        d_scale, x_scale = scale * ratio, scale / ratio
    p_x = (x.abs() * x_scale[:, None]).clamp(max=1)
    p_d = (d.abs() * d_scale[:, None]).clamp(max=1)
    return Probabilities(p_x, p_d, slots.long())


def trains(
    x: torch.Tensor, d: torch.Tensor, lr: float, granularity: float, settings: PulseSettings, key: int
) -> PulseTrains:
    """Return random pulse trains of a batch; arguments as those of `probabilities`, and an unsigned 64-bit seed."""
    if settings.bound_management and pulses.serves_trains(x, d):
        return PulseTrains(*pulses.trains(x, d, lr, granularity, settings.most_slots, key))
    p = probabilities(x, d, lr, granularity, settings)
    chunks = -(-p.slots // SLOTS)
    sample = torch.arange(len(x), device=x.device).repeat_interleave(chunks)
    place = torch.arange(len(sample), device=x.device) - (chunks.cumsum(0) - chunks)[sample]
    slots = (p.slots[sample] - SLOTS * place).clamp(max=SLOTS).to(torch.int32)
    lines = [
        words((probability[sample] * ONE).to(torch.int32), slots, values[sample] < 0, key + side)
        for side, (probability, values) in enumerate(((p.x, x), (p.d, d)))
    ]
    return PulseTrains(*lines)
