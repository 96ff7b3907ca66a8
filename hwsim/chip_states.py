"""The states of chips, made when they are asked for: those of all chips of a large network would not fit in memory.

An evaluation asks for one chip after the other, and for each at all times. The latest chips are therefore kept, as
many as take `KEPT_BYTES`, or one of a large network. Threads that ask for the same chip wait for the first to make it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final, Protocol, final

import torch

from hwsim.devices import DeviceState

KEPT_BYTES: Final = 1 << 25
"""Size of the states that are kept, 32 MiB; larger ones one at a time."""


class StateSource(Protocol):
    """Where the states of chips come from: drawn from their random streams, or read from a file."""

    def state_of(self, chip: int) -> DeviceState:
        """Return named tensors `(2, devices)` float32 of the `chip`-th chip, new ones at each call."""
        ...


@final
@dataclass(frozen=True)
class Moved:
    """The states of `source` on another torch device."""

    source: StateSource
    torch_device: torch.device | str

    def state_of(self, chip: int) -> DeviceState:
        """Return the state of the `chip`-th chip of the source, moved."""
        return {name: tensor.to(self.torch_device) for name, tensor in self.source.state_of(chip).items()}


@final
class ChipStates:
    """The states of `n` chips from `source`, of which the latest are kept; for several threads at once."""

    def __init__(self, source: StateSource, n: int) -> None:
        self.source = source
        self.n = n
        self._kept: dict[int, _Once] = {}  # the latest at the end
        self._held: range = range(0)
        self._bytes = 0  # of one chip, unknown until the first is made
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[ChipStates], tuple[StateSource, int]]:
        """Let copies and other processes start with nothing kept."""
        return ChipStates, (self.source, self.n)

    def of(self, chip: int) -> DeviceState:
        """Return the state of the `chip`-th chip, which other callers share."""
        with self._lock:
            once = self._kept.pop(chip, None)
            if once is None:
                self._make_room()
                once = _Once()
            self._kept[chip] = once
        state = once.state(self.source, chip)
        self._bytes = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
        return state

    def hold(self, chips: range) -> None:
        """Keep the states of `chips` once they are made, whatever their size, until others are held."""
        with self._lock:
            self._held = chips

    def _make_room(self) -> None:
        """Drop the oldest before another one is made, so that there is never one more."""
        if self._bytes == 0:
            return
        most = max(1, KEPT_BYTES // self._bytes)
        free = [chip for chip in self._kept if chip not in self._held]
        for chip in free[: max(0, len(free) - most + 1)]:
            del self._kept[chip]


@final
class _Once:
    """The state of one chip, made by the first thread that asks."""

    def __init__(self) -> None:
        self._made: DeviceState | None = None
        self._lock = threading.Lock()

    @torch.no_grad()
    def state(self, source: StateSource, chip: int) -> DeviceState:
        with self._lock:
            if self._made is None:
                self._made = source.state_of(chip)
            return self._made
