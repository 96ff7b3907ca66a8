"""What a backward pass asks of an array, and how pulses do it: drawn at random, or in their mean.

Of a layer on tiles the vectors x and d of every sample are known, and each sample is one parallel update of pulse
trains. Of any other weight the gradient alone is known, the sum over the batch: each cell gets its mean number of
pulses, rounded at random, in one direction. Opposite pulses of different samples, which such a sum hides, do no harm
then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, Self, TypeAlias, final

import torch

from hwsim.learning.array import Array
from hwsim.learning.pulse_trains import PulseSettings, trains
from hwsim.streams import derive_seed, stream

Mode: TypeAlias = Literal["stochastic", "expected"]
"""Pulses drawn one by one, or their mean number and the noise of as many steps."""

AT_ONCE: Final = 1024
"""Samples whose pulse trains are in memory at the same time."""
TRAINS: Final = 0x5DEECE66D
"""Makes the seed of trains from that of their noise."""


@final
@dataclass(frozen=True)
class Gradient:
    """The gradient of a weight.

    Attributes:
        matrix: `(rows, columns)` float32, summed over the batch.
        x: `(samples, columns)` inputs; None where they are not known.
        d: `(samples, rows)` gradients of the outputs; None with `x`.
    """

    matrix: torch.Tensor
    x: torch.Tensor | None = None
    d: torch.Tensor | None = None

    def times(self, columns: torch.Tensor, rows: torch.Tensor | None) -> Self:
        """Return the gradient with the signs of some columns and rows changed.

        Args:
            columns: `(columns,)`, 1 or -1.
            rows: `(rows,)`, the same; None for no change.
        """
        matrix = self.matrix * columns if rows is None else self.matrix * columns * rows[:, None]
        if self.x is None or self.d is None:
            return replace(self, matrix=matrix)
        return replace(self, matrix=matrix, x=self.x * columns, d=self.d if rows is None else self.d * rows)

    def largest(self) -> tuple[float, float]:
        """Return the mean over samples of the largest |x| and |d|; without them 1 and the largest gradient."""
        if self.x is None or self.d is None:
            return 1.0, float(self.matrix.abs().max())
        return float(self.x.abs().amax(1).mean()), float(self.d.abs().amax(1).mean())


def apply(
    array: Array,
    gradient: Gradient,
    lr: float,
    granularity: float,
    settings: PulseSettings,
    seed: int,
    mode: Mode = "stochastic",
) -> None:
    """Move an array by -lr times a gradient, as far as its pulses can.

    Args:
        array: what learns.
        gradient: what is asked.
        lr: change of the cells for a gradient of 1.
        granularity: mean step of a cell.
        settings: management of the update. Without x and d, no cell gets more than `most_slots` pulses.
        seed: of the pulses and their noise.
        mode: how pulses are made.
    """
    if lr == 0:
        return
    if mode == "expected":
        array.expect(*expected_counts(gradient, lr / granularity), seed)
    elif gradient.x is None or gradient.d is None:
        array.pulse(_rounded_counts(gradient.matrix, lr / granularity, settings.most_slots, seed), seed)
    else:
        blocks = zip(torch.split(gradient.x, AT_ONCE), torch.split(gradient.d, AT_ONCE), strict=True)
        for number, (x, d) in enumerate(blocks):
            key = derive_seed(seed, number)
            array.coincide(trains(x, d, lr, granularity, settings, key ^ TRAINS), key)


def expected_counts(gradient: Gradient, pulses_per_unit: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean numbers of pulses up and down, `(rows, columns)` float32."""
    if gradient.x is None or gradient.d is None:
        wanted = gradient.matrix * -pulses_per_unit
        return wanted.clamp(min=0), (-wanted).clamp(min=0)
    x, d = gradient.x, gradient.d * pulses_per_unit
    x_plus, x_minus, d_plus, d_minus = x.clamp(min=0), (-x).clamp(min=0), d.clamp(min=0), (-d).clamp(min=0)
    up = d_minus.T @ x_plus + d_plus.T @ x_minus
    down = d_plus.T @ x_plus + d_minus.T @ x_minus
    return up, down


def _rounded_counts(matrix: torch.Tensor, pulses_per_unit: float, most: int, seed: int) -> torch.Tensor:
    wanted = (matrix * -pulses_per_unit).clamp(-most, most)
    drawn = torch.rand(wanted.shape, generator=stream(seed, "rounding")).to(wanted.device)
    return (wanted + drawn).floor().to(torch.int32)
