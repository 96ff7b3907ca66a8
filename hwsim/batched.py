"""Several chips at once, as a batch dimension: what a GPU wants.

The network runs under torch.vmap, with each layer's programmed weights, compensation factors and noise along
a leading chip axis. What does not depend on the chip, like the DAC of the first layer, is computed once. The
noise is that of one chip after the other: its keys are hashed on the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, final

import torch
from torch.utils._pytree import tree_map

from hwsim.chips import Chips, Reading, Readings
from hwsim.inputs import Inputs
from hwsim.keep import Keep
from hwsim.modules import NOMINAL, Execution
from hwsim.noise import GOLDEN, IMAGE_STRIDE, POOL_SIZE, NoisePool, Segments

CHIPS_AT_ONCE: Final = 32
"""Chips in one pass unless told otherwise."""

_Factors: TypeAlias = dict[str, torch.Tensor]
"""Layer name → compensation factors; empty for no compensation."""

_Powers: TypeAlias = dict[str, tuple[torch.Tensor, ...]]
"""Layer name → weights of the powers of its inputs; empty for linear devices."""


def signed(number: int) -> int:
    """Return an unsigned 64-bit number as the int64 with the same bits."""
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def mix(z: torch.Tensor) -> torch.Tensor:
    """Return SplitMix64's finaliser of each int64, bit for bit that of unsigned numbers."""
    z = (z ^ _shifted(z, 30)) * signed(0xBF58476D1CE4E5B9)
    z = (z ^ _shifted(z, 27)) * signed(0x94D049BB133111EB)
    return z ^ _shifted(z, 31)


def _shifted(z: torch.Tensor, bits: int) -> torch.Tensor:
    return (z >> bits) & ((1 << (64 - bits)) - 1)  # `>>` keeps the sign, a hash must not


@final
@dataclass(frozen=True)
class ChipNoise:
    """The noise of many chips under torch.vmap: a `NoiseStream` whose key is a tensor.

    Attributes:
        pool: the numbers.
        key: 0-dim int64 inside of vmap, one for each chip outside.
        first_image: number of the batch's first image in the whole data set.
    """

    pool: NoisePool
    key: torch.Tensor
    first_image: int

    def child(self, tag: int) -> ChipNoise:
        """Return the source of a part (a layer, a block, a purpose) of what this one serves."""
        return replace(self, key=mix(self.key + signed((tag + 1) * GOLDEN)))

    def like(self, outputs: torch.Tensor, channel_dim: int) -> torch.Tensor:
        """Return standard normal noise of the shape of `outputs`, numbered channels-last."""
        moved = outputs.movedim(channel_dim, -1)
        segments = Segments.of_image(moved)
        device = self.key.device
        image = torch.arange(self.first_image, self.first_image + len(moved), device=device).unsqueeze(1)
        index = image * IMAGE_STRIDE + torch.arange(1, segments.n + 1, device=device)
        starts = mix(index * signed(GOLDEN) + self.key) & (POOL_SIZE - 1)
        return self.pool.read(starts, segments).view(moved.shape).movedim(-1, channel_dim)


class BatchedChips:
    """Runs many chips of one network at once.

    Args:
        chips: programmed chips, on the device that runs them.
        pool: noise of the MVMs.
        batch_size: images in one pass.
        chips_at_once: chips in one pass; fewer where the device's memory does not hold them.
        readings: what is evaluated; None for the chips themselves.
    """

    def __init__(
        self,
        chips: Chips,
        pool: NoisePool,
        batch_size: int,
        chips_at_once: int = CHIPS_AT_ONCE,
        readings: Readings | None = None,
    ) -> None:
        self._chips = chips
        self._readings: Readings = chips if readings is None else readings
        self._pool = pool
        self.batch_size = batch_size
        self.chips_at_once = chips_at_once

    def supports(self, example: Inputs, keep: Keep) -> bool:
        """Whether torch.vmap can run the network; `example` is one item."""
        try:
            self._pass([self._readings.at(0.0, 0)], [0], example, 0, keep)
        except (RuntimeError, ValueError):  # what a user's forward does under vmap
            return False
        return True

    def evaluate(self, chips: range, t_s: float, inputs: Inputs, keep: Keep) -> list[Any]:
        """Return, for each of `chips` and all items on the CPU, what `keep` keeps of what it makes of them.

        Fewer chips run at once where the device has too little memory for all of them.

        Raises:
            torch.OutOfMemoryError: if not even one chip fits.
        """
        self._readings.hold(chips)  # for all times
        found: list[Any] = []
        first = chips.start
        while first < chips.stop:
            group = range(first, min(first + self.chips_at_once, chips.stop))
            try:
                found.extend(self._group(group, t_s, inputs, keep))
            except torch.OutOfMemoryError:
                if len(group) == 1:
                    raise
                self.chips_at_once = len(group) // 2
                continue
            first = group.stop
        return found

    def _group(self, group: range, t_s: float, inputs: Inputs, keep: Keep) -> list[Any]:
        readings = [self._readings.at(t_s, chip) for chip in group]
        keys = [signed(self._readings.mvm_key(t_s, chip)) for chip in group]
        parts = [
            self._pass(readings, keys, inputs.part(at, at + self.batch_size), at, keep)
            for at in range(0, len(inputs), self.batch_size)
        ]
        together = tree_map(lambda *batches: torch.cat(batches, 1).cpu(), *parts)
        # copies, so that whoever keeps one chip does not hold all of them
        return [
            tree_map(lambda kept, index=index: kept[index].clone(), together) for index in range(len(group))
        ]

    def _pass(
        self, readings: Sequence[Reading], keys: Sequence[int], inputs: Inputs, first_image: int, keep: Keep
    ) -> Any:
        chips, device = self._chips, self._chips.torch_device
        given = inputs.copied_to(device)

        def run(
            weights: dict[str, torch.Tensor], factors: _Factors, powers: _Powers, key: torch.Tensor
        ) -> Any:
            noise = ChipNoise(self._pool, key, first_image)
            for index, (name, layer) in enumerate(chips.layers.items()):
                layer.execution = Execution(
                    programmed=weights[name],
                    compensation=factors.get(name),
                    curvature=powers.get(name, ()),
                    noise=noise.child(index),
                    many_chips=True,
                )
            return keep(given.into(chips.net), first_image, first_image + len(given))

        weights = {
            name: torch.stack([reading.weights[name] for reading in readings]) for name in chips.layers
        }
        factors: _Factors = {}
        powers: _Powers = {}
        for name in chips.layers:
            by_chip = [reading.compensation[name] for reading in readings if reading.compensation is not None]
            if by_chip:
                factors[name] = torch.stack(by_chip)
            of_chips = [reading.curvature[name] for reading in readings if reading.curvature]
            if of_chips:
                powers[name] = tuple(torch.stack(one) for one in zip(*of_chips, strict=True))
        try:
            return torch.vmap(run)(weights, factors, powers, torch.tensor(keys, device=device))
        finally:
            for layer in chips.layers.values():
                layer.execution = NOMINAL
