"""Pulses on torch's operations, with the results of the compiled kernel, for any device law and any accelerator.

Sample by sample and pulse by pulse, like the kernel, with all cells at once.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import torch

from hwsim.learning.devices.device import Cells, PulsedDevice
from hwsim.learning.kernels.random_numbers import GOLDEN, WRITING, normals, uniform_24

Select: TypeAlias = Literal["both", "up", "down-as-up"]
"""Which pulses an array takes: all; those up; those down, as pulses up."""

SLOTS = 31
"""Slots of a word; its last bit is the sign."""
BITS = 0x7FFFFFFF


def words(thresholds: torch.Tensor, slots: torch.Tensor, negative: torch.Tensor, key: int) -> torch.Tensor:
    """Return random words, bit s set with probability thresholds / 2^24 for the first `slots` of each chunk.

    Args:
        thresholds: `(chunks, n)` int32.
        slots: `(chunks,)` int32, at most 31.
        negative: `(chunks, n)` bool, the sign of each line.
        key: unsigned 64-bit seed.
    """
    chunks, n = thresholds.shape
    result = torch.zeros(chunks, n, dtype=torch.int64, device=thresholds.device)
    for slot in range(int(slots.max()) if chunks else 0):
        index = np.arange(chunks, dtype=np.uint64) * np.uint64(32) + np.uint64(slot + 1)
        drawn = uniform_24(n, index * np.uint64(GOLDEN) + np.uint64(key), thresholds.device)
        result |= ((drawn < thresholds) & (slot < slots)[:, None]).long() << slot
    return (result - negative.long() * (BITS + 1)).to(torch.int32)


def coincide(
    device: PulsedDevice,
    cells: Cells,
    w: torch.Tensor,
    visible: torch.Tensor | None,
    x_words: torch.Tensor,
    d_words: torch.Tensor,
    select: Select,
    key: int,
) -> None:
    """Apply every coincidence to `w`, and draw the write noise of `visible`."""
    pulsed = torch.zeros_like(w, dtype=torch.bool)
    for chunk, (x, d) in enumerate(zip(x_words, d_words, strict=True)):
        both = (x[None, :] & d[:, None]) & BITS
        count = sum(((both >> slot) & 1) for slot in range(SLOTS))
        assert isinstance(count, torch.Tensor)
        up = (x[None, :] ^ d[:, None]) < 0
        count, up = _selected(count, up, select)
        pulsed |= count > 0
        _steps(device, cells, w, count, up, chunk * SLOTS, key)
    if visible is not None:
        _write(device, w, visible, pulsed, key)


def pulse(
    device: PulsedDevice,
    cells: Cells,
    w: torch.Tensor,
    visible: torch.Tensor | None,
    counts: torch.Tensor,
    select: Select,
    key: int,
) -> None:
    """Apply as many pulses as `counts` says, up where it is positive, and draw the write noise of `visible`."""
    count, up = _selected(counts.abs(), counts > 0, select)
    _steps(device, cells, w, count, up, 0, key)
    if visible is not None:
        _write(device, w, visible, count > 0, key)


def _selected(count: torch.Tensor, up: torch.Tensor, select: Select) -> tuple[torch.Tensor, torch.Tensor]:
    if select == "both":
        return count, up
    wanted = up if select == "up" else ~up
    return count * wanted, torch.ones_like(up)


def _steps(
    device: PulsedDevice,
    cells: Cells,
    w: torch.Tensor,
    count: torch.Tensor,
    up: torch.Tensor,
    first_event: int,
    key: int,
) -> None:
    for k in range(int(count.max())):
        change = device.up(w, cells).where(up, -device.down(w, cells))
        std = device.noise(w, change, up, cells)
        stepped = w + (change + std * normals(w, key, first_event + k))
        w.copy_(stepped.clamp(cells["low"], cells["high"]).where(count > k, w))


def _write(
    device: PulsedDevice, w: torch.Tensor, visible: torch.Tensor, pulsed: torch.Tensor, key: int
) -> None:
    noisy = w + normals(w, key, WRITING) * (device.write_noise * device.step)
    visible.copy_(noisy.where(pulsed, visible))
