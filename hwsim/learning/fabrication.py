"""Arrays of new cells, and arrays from and to the tensors that a state dictionary holds."""

from __future__ import annotations

from typing import TypeAlias

import torch

from hwsim.arguments import require
from hwsim.learning.array import Array, CellArray
from hwsim.learning.devices import PairedDevice, PulsedDevice
from hwsim.learning.pair_array import PairArray
from hwsim.streams import derive_seed

AnyDevice: TypeAlias = PulsedDevice | PairedDevice

Tensors: TypeAlias = "dict[str, torch.Tensor] | dict[str, dict[str, torch.Tensor]]"


def fabricate(device: AnyDevice, shape: tuple[int, int], seed: int, on: torch.device | str = "cpu") -> Array:
    """Return an array of new cells at zero.

    Args:
        device: of each weight.
        shape: rows (outputs) and columns (inputs).
        seed: of the variation from cell to cell; the same seed gives the same cells.
        on: device of torch that holds them.

    Raises:
        TypeError: for anything but a device.
    """
    remedy = "`learning.device(name)` returns a published one"
    require(device, (PulsedDevice, PairedDevice), "`device` must be a pulsed device", remedy)
    if isinstance(device, PulsedDevice):
        return CellArray.fabricate(device, shape, seed, on=on)
    plus, minus = (
        CellArray.fabricate(device.of, shape, derive_seed(seed, sign), on=on).tensors
        for sign in ("plus", "minus")
    )
    array = PairArray(device, CellArray(device.of, plus, "up"), CellArray(device.of, minus, "down-as-up"))
    array.write(torch.zeros(shape, device=on), seed)
    return array


def tensors(array: Array) -> Tensors:
    """Return all tensors of an array by name; `restored` makes the array of them."""
    if isinstance(array, PairArray):
        return {"plus": array.plus.tensors, "minus": array.minus.tensors}
    assert isinstance(array, CellArray)
    return array.tensors


def restored(device: AnyDevice, held: Tensors) -> Array:
    """Return the array that `tensors` took apart; it shares their memory."""
    if isinstance(device, PulsedDevice):
        return CellArray(device, held)  # type: ignore[arg-type]  # a device of one cell has flat tensors
    pair: dict[str, dict[str, torch.Tensor]] = held  # type: ignore[assignment]  # a pair has two of them
    return PairArray(
        device, CellArray(device.of, pair["plus"], "up"), CellArray(device.of, pair["minus"], "down-as-up")
    )
