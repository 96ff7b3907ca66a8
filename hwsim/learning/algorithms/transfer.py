"""What algorithms with two arrays share: a fast one that gathers gradients, and its reads, column by column.

The fast array A is read against a reference, the symmetry point of each cell as well as it is known: cells without a
gradient drift there. Every `transfer_every` mini-batches the next `transfer_columns` columns of A are read, each by one
product with a one-hot vector, and the slow array C, which the network reads, is pulsed by what was found there.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import torch
from torch.optim.optimizer import ParamsT

from hwsim.arguments import number
from hwsim.learning.algorithms.optimizer import Group, PulsedOptimizer, State, counting
from hwsim.learning.algorithms.zero_shifting import enough_pairs, zero_shift
from hwsim.learning.array import Array
from hwsim.learning.fabrication import AnyDevice, fabricate, tensors
from hwsim.learning.periphery import Periphery
from hwsim.learning.periphery import periphery as periphery_of
from hwsim.learning.pulse_trains import PulseSettings
from hwsim.learning.update import Gradient, apply
from hwsim.streams import stream

Reference: TypeAlias = Literal["exact", "measured", "zero"]
"""What is subtracted from the fast array: its symmetry points, as computed; as found by zero-shifting; nothing."""

MEMORY = 0.99
"""Part of the running mean of the largest gradient that one mini-batch leaves."""


class TransferOptimizer(PulsedOptimizer):
    """An algorithm with a fast and a slow array.

    Args:
        params: parameters, or groups of them.
        device: of both arrays: a preset's name, or a device.
        fast_device: of the fast array; None for `device`.
        lr: learning rate.
        digital_lr: of vectors and digital groups; None for `lr`.
        weight_range: place of a matrix's largest initial weight in the range of a cell.
        periphery: converters and noise of the reads of the fast array.
        seed: of everything random.
        reference: what is subtracted from the fast array.
        reference_spread: error of the stored reference, as a standard deviation over cells in units of the weight.
        values: numbers of the algorithm, by name.
    """

    def __init__(
        self,
        params: ParamsT,
        device: str | AnyDevice,
        *,
        fast_device: str | AnyDevice | None,
        lr: float,
        digital_lr: float | None,
        weight_range: float,
        periphery: Periphery | str,
        seed: int,
        reference: Reference,
        reference_spread: float,
        values: Mapping[str, Any],
    ) -> None:
        fast = device if fast_device is None else fast_device
        self._periphery = periphery_of(periphery)
        super().__init__(
            params,
            device,
            lr=lr,
            digital_lr=digital_lr,
            weight_range=weight_range,
            seed=seed,
            values={
                "fast_device": self.described(fast),
                "reference": reference,
                "reference_spread": reference_spread,
                **values,
            },
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        counting("transfer_every", group)
        counting("transfer_columns", group)
        number("reference_spread", group["reference_spread"], least=0)
        if group["reference"] not in ("exact", "measured", "zero"):
            raise ValueError(f"`reference` must be exact, measured or zero, got {group['reference']!r}")

    def _prepare(self, w: torch.Tensor, group: Group, state: State) -> None:
        self._make(self._device(group), w, state, "slow")
        device = self._device(group, "fast_device")
        array = fabricate(device, (w.shape[0], w.shape[1]), self._seed_of(state, "cells", "fast"), w.device)
        state["fast"] = tensors(array)
        state["reference"] = self._reference(array, device, group, state)
        state["column"] = 0

    def _reference(self, array: Array, device: AnyDevice, group: Group, state: State) -> torch.Tensor:
        """Return what is subtracted; the array is left at its symmetry points, as after zero-shifting."""
        if group["reference"] == "zero":
            found = torch.zeros_like(array.weights)
        elif group["reference"] == "measured":
            pairs = enough_pairs(array, device.n_states)
            found = zero_shift(array, pairs, self._seed_of(state, "zero shift"))
        else:
            found = array.symmetry_point()
            array.write(found, self._seed_of(state, "write", "fast"))
        if group["reference_spread"] > 0:
            generator = stream(self._seed_of(state, "reference"))
            noise = torch.randn(found.shape, generator=generator).to(found.device)
            found = found + group["reference_spread"] * noise
        return found

    def _gather(self, gradient: Gradient, lr: float, group: Group, state: State) -> Array:
        """Move the fast array along a gradient; `lr` is in units of its cells."""
        device = self._device(group, "fast_device")
        array = self._array(device, state, "fast")
        settings = PulseSettings(group["gradient_slots"])
        apply(array, gradient, lr, device.granularity, settings, self._seed_of(state, "gather"))
        self._rest(array, state, "fast")
        return array

    def _due(self, group: Group, state: State) -> slice | None:
        """Return the columns whose turn it is, or None; no transfer goes beyond the last column."""
        if (state["step"] + 1) % group["transfer_every"] != 0:
            return None
        n, first = state["reference"].shape[1], state["column"]
        last = min(first + group["transfer_columns"], n)
        state["column"] = last % n
        return slice(first, last)

    def _read(self, array: Array, columns: slice, state: State) -> torch.Tensor:
        """Return columns of the fast array against its reference, `(rows, columns)`, with the noise of the reads."""
        values, reference = array.weights[:, columns], state["reference"][:, columns]
        if not self._periphery.is_exact:
            values = self._periphery.read_columns(values, stream(self._seed_of(state, "read")))
        found: torch.Tensor = values - reference
        return found

    def _write_columns(self, counts: torch.Tensor, columns: slice, array: Array, state: State) -> None:
        """Pulse columns of the slow array."""
        if not bool(counts.any()):
            return
        matrix = torch.zeros(array.weights.shape, dtype=torch.int32, device=counts.device)
        matrix[:, columns] = counts
        array.pulse(matrix, self._seed_of(state, "write"))

    @abstractmethod
    def _transfer(self, fast: Array, columns: slice, slow: Array, group: Group, state: State) -> None:
        """Read `columns` of the fast array and pulse the slow one."""


def fast_rate(gradient: Gradient, group: Group, granularity: float, state: State) -> float:
    """Return the rate at which the largest product takes `fast_lr` of the slots of a train, by its running mean.

    Where the gradient alone is known, the largest takes the whole train: it stands for all samples of the batch.
    """
    for name, value in zip(("mean_x", "mean_d"), gradient.largest(), strict=True):
        state[name] = MEMORY * state[name] + (1 - MEMORY) * value if name in state else value
    strength = state["mean_x"] * state["mean_d"]
    part = 1.0 if gradient.x is None else group["fast_lr"]
    return float(part * group["gradient_slots"] * granularity / strength) if strength > 0 else 0.0
