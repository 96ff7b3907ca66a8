"""An array of pulsed cells: weights that pulses move, weights that are read, and what happens between mini-batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self, final

import torch

from hwsim.learning.devices import PulsedDevice
from hwsim.learning.kernels import pulses
from hwsim.learning.pulse_trains import PulseTrains
from hwsim.streams import stream

if TYPE_CHECKING:
    from hwsim.learning.kernels.plain import Select

STATE: Final = ("w", "visible")
"""Tensors of an array that are no constants of its cells."""


class Array(Protocol):
    """Cells that learn by pulses."""

    @property
    def weights(self) -> torch.Tensor:
        """What is read of the cells, `(rows, columns)` float32; not a copy."""
        ...

    @property
    def drifts(self) -> bool:
        """Whether `after_batch` does anything."""
        ...

    def write(self, w: torch.Tensor, seed: int) -> None:
        """Set the cells as closely to `w` as their bounds allow."""
        ...

    def pulse(self, counts: torch.Tensor, seed: int) -> None:
        """Apply as many pulses as `counts` says, `(rows, columns)` int32, up where it is positive."""
        ...

    def coincide(self, trains: PulseTrains, seed: int) -> None:
        """Apply every coincidence of pulse trains."""
        ...

    def expect(self, up: torch.Tensor, down: torch.Tensor, seed: int) -> None:
        """Apply the mean of `up` and `down` pulses, `(rows, columns)` float32, which need not be whole."""
        ...

    def after_batch(self, seed: int) -> None:
        """Let the cells decay and diffuse for one mini-batch, and refresh pairs."""
        ...

    def symmetry_point(self) -> torch.Tensor:
        """Return the weights at which steps up and down are equal."""
        ...


@final
@dataclass(frozen=True)
class CellArray:
    """An array with one cell for a weight.

    Attributes:
        device: law of the steps.
        tensors: constants of the cells, with `w`, the weights that pulses move, and with write noise `visible`, those
            that are read. All are `(rows, columns)` float32.
        select: which pulses the array takes.
    """

    device: PulsedDevice
    tensors: dict[str, torch.Tensor]
    select: Select = "both"

    @classmethod
    def fabricate(
        cls, device: PulsedDevice, shape: tuple[int, int], seed: int, *, on: torch.device | str = "cpu"
    ) -> Self:
        """Return an array whose cells stand at 0, or at the bound nearest to it."""
        cells = device.fabricate(shape, stream(seed, "cells"))
        tensors = {name: tensor.to(on).contiguous() for name, tensor in cells.items()}
        tensors["w"] = torch.zeros_like(tensors["low"]).clamp(tensors["low"], tensors["high"])
        if device.write_noise > 0:
            tensors["visible"] = tensors["w"].clone()
        return cls(device, tensors)

    @property
    def cells(self) -> dict[str, torch.Tensor]:
        """The constants of the cells."""
        return {name: tensor for name, tensor in self.tensors.items() if name not in STATE}

    @property
    def weights(self) -> torch.Tensor:
        """What is read of the cells; not a copy."""
        return self.tensors.get("visible", self.tensors["w"])

    @property
    def drifts(self) -> bool:
        """Whether cells decay or diffuse."""
        return "decay" in self.tensors or "diffusion" in self.tensors

    def write(self, w: torch.Tensor, seed: int) -> None:
        """Set the cells to `w`, clipped to their bounds; what is read has write noise."""
        held = self.tensors["w"]
        held.copy_(w.clamp(self.tensors["low"], self.tensors["high"]))
        if "visible" in self.tensors:
            noise = torch.randn(held.shape, generator=stream(seed, "write")).to(held.device)
            self.tensors["visible"].copy_(held + noise * (self.device.write_noise * self.device.step))

    def pulse(self, counts: torch.Tensor, seed: int) -> None:
        """Apply as many pulses as `counts` says, up where it is positive.

        Raises:
            ValueError: for another shape than that of the array, or numbers that are not whole.
        """
        held = self.tensors["w"].shape
        if counts.shape != held or (counts.is_floating_point() and not torch.equal(counts, counts.round())):
            raise ValueError(
                f"`counts` must be whole numbers of pulses of shape {tuple(held)}, one a cell, got shape "
                f"{tuple(counts.shape)} of {counts.dtype}"
            )
        pulses.pulse(
            self.device,
            self.cells,
            self.tensors["w"],
            self.tensors.get("visible"),
            counts.to(torch.int32),
            self.select,
            seed,
        )

    def coincide(self, trains: PulseTrains, seed: int) -> None:
        """Apply every coincidence of pulse trains.

        Raises:
            ValueError: for trains of another number of rows or columns.
        """
        given, held = (trains.d.shape[1], trains.x.shape[1]), tuple(self.tensors["w"].shape)
        if given != held:
            raise ValueError(f"pulse trains must be for the {held} cells of the array, got {given}")
        pulses.coincide(
            self.device,
            self.cells,
            self.tensors["w"],
            self.tensors.get("visible"),
            *trains,
            self.select,
            seed,
        )

    def expect(self, up: torch.Tensor, down: torch.Tensor, seed: int) -> None:
        """Apply the mean of `up` and `down` pulses, with the noise of as many steps.

        Steps are those at the weight before, as long as they are small against the range.
        """
        if self.select != "both":
            up = up if self.select == "up" else down
            down = torch.zeros_like(up)
        w, cells, device = self.tensors["w"], self.cells, self.device
        rise, fall = device.up(w, cells), -device.down(w, cells)
        variance = torch.zeros_like(w)
        for count, change, goes_up in ((up, rise, True), (down, fall, False)):
            direction = torch.full_like(w, goes_up, dtype=torch.bool)
            variance += count * device.noise(w, change, direction, cells).square()
        noise = torch.randn(w.shape, generator=stream(seed, "expect")).to(w.device)
        w.copy_((w + up * rise + down * fall + variance.sqrt() * noise).clamp(cells["low"], cells["high"]))
        if "visible" in self.tensors:
            self._redraw((up + down) > 0, seed)

    def after_batch(self, seed: int) -> None:
        """Let the cells decay toward their reset weight, and diffuse, for one mini-batch."""
        w, decay, diffusion = (self.tensors.get(name) for name in ("w", "decay", "diffusion"))
        assert w is not None
        if decay is not None:
            reset = self.tensors.get("reset")
            w.sub_(w * decay if reset is None else (w - reset) * decay)
        if diffusion is not None:
            w.add_(diffusion * torch.randn(w.shape, generator=stream(seed, "diffusion")).to(w.device))
        if decay is not None or diffusion is not None:
            before = w.clone() if "visible" in self.tensors else None
            w.clamp_(self.tensors["low"], self.tensors["high"])
            if before is not None:  # what is read moves along
                self.tensors["visible"].add_(w - before)

    def reset(self, where: torch.Tensor) -> None:
        """Reset the cells that `where` names, `(rows, columns)` bool."""
        target = self.tensors.get("reset", torch.zeros_like(self.tensors["w"]))
        self.tensors["w"].copy_(target.where(where, self.tensors["w"]))
        if "visible" in self.tensors:
            self.tensors["visible"].copy_(target.where(where, self.tensors["visible"]))

    def symmetry_point(self) -> torch.Tensor:
        """Return the weights at which steps up and down are equal."""
        return self.device.symmetry_point(self.cells)

    def _redraw(self, where: torch.Tensor, seed: int) -> None:
        w, visible = self.tensors["w"], self.tensors["visible"]
        noise = torch.randn(w.shape, generator=stream(seed, "redraw")).to(w.device)
        noisy = w + noise * (self.device.write_noise * self.device.step)
        visible.copy_(noisy.where(where, visible))
