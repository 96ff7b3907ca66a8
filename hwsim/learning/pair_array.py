"""An array of pairs of one-sided cells, with their refresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch

from hwsim.learning.array import CellArray
from hwsim.learning.devices import PairedDevice
from hwsim.learning.pulse_trains import PulseTrains
from hwsim.streams import derive_seed


@final
@dataclass(frozen=True)
class PairArray:
    """An array with two one-sided cells for a weight.

    Attributes:
        device: the pair.
        plus: cells that pulses up go to.
        minus: cells that pulses down go to.
    """

    device: PairedDevice
    plus: CellArray
    minus: CellArray

    @property
    def weights(self) -> torch.Tensor:
        """The difference of both cells."""
        return self.plus.weights - self.minus.weights

    @property
    def drifts(self) -> bool:
        """Whether `after_batch` does anything: it refreshes."""
        return True

    def write(self, w: torch.Tensor, seed: int) -> None:
        """Set one cell of each pair, with the other at its reset weight."""
        signs = ((self.plus, 1), (self.minus, -1))
        everywhere = torch.ones_like(w, dtype=torch.bool)
        for cells, _ in signs:
            cells.reset(everywhere)
        resets = [cells.tensors["w"].clone() for cells, _ in signs]
        for number, (cells, sign) in enumerate(signs):
            difference = sign * (w - (resets[0] - resets[1]))
            cells.write(resets[number] + difference.clamp(min=0), seed + number)

    def pulse(self, counts: torch.Tensor, seed: int) -> None:
        """Apply pulses, each to the cell of its sign."""
        for number, cells in enumerate((self.plus, self.minus)):
            cells.pulse(counts, seed ^ number)

    def coincide(self, trains: PulseTrains, seed: int) -> None:
        """Apply every coincidence, each to the cell of its sign."""
        for number, cells in enumerate((self.plus, self.minus)):
            cells.coincide(trains, seed ^ number)

    def expect(self, up: torch.Tensor, down: torch.Tensor, seed: int) -> None:
        """Apply the mean of `up` and `down` pulses."""
        for number, cells in enumerate((self.plus, self.minus)):
            cells.expect(up, down, seed ^ number)

    def after_batch(self, seed: int) -> None:
        """Let both cells decay and diffuse, and refresh pairs near the end of their range."""
        for number, cells in enumerate((self.plus, self.minus)):
            cells.after_batch(seed ^ number)
        device = self.device
        plus, minus = (
            (cells.weights - device.of.w_min) / (device.of.w_max - device.of.w_min)
            for cells in (self.plus, self.minus)
        )
        full = (plus.maximum(minus) > device.refresh_above) & (
            plus.minimum(minus) > device.refresh_both_above
        )
        if not bool(full.any()):
            return
        difference = self.weights * full
        for cells in (self.plus, self.minus):
            cells.reset(full)
        counts = (difference / device.granularity).round()
        counts = counts.clamp(-device.refresh_pulses, device.refresh_pulses).to(torch.int32)
        self.pulse(counts, derive_seed(seed, "refresh"))

    def symmetry_point(self) -> torch.Tensor:
        """Return zero: a pair has steps of the same size in both directions where its cells stand at the same place."""
        return torch.zeros_like(self.plus.tensors["w"])
