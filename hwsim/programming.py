"""Programming: the weights of a network become conductances, chip by chip, each from a random stream of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, final

import torch

from hwsim.devices import Device, DeviceState
from hwsim.modules import AnalogLayer
from hwsim.streams import stream

PLUS: Final = 0
MINUS: Final = 1


@final
@dataclass(frozen=True)
class Programming:
    """Draws chips of a network.

    Attributes:
        layers: the analog layers by name; their weights stay as they are while chips are drawn.
        device: the model of the memory device.
        seed: what the chips are drawn with.
        first: number of the first chip.
        pairs: whether both devices of a pair live on, or their difference on one of them.
    """

    layers: Mapping[str, AnalogLayer]
    device: Device
    seed: int
    first: int
    pairs: Literal["both", "collapsed"]
    _checksums: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Note what the weights are."""
        object.__setattr__(self, "_checksums", self._weights())

    @torch.no_grad()
    def state_of(self, chip: int) -> DeviceState:
        """Return what programming leaves in both devices of each weight, `(2, devices)`, plus first.

        Raises:
            ValueError: for weights that have changed since the chips were programmed.
        """
        now = self._weights()
        changed = [f"`{name}`" for name, found in self._checksums.items() if now[name] != found]
        if changed:
            raise ValueError(
                f"the weights of chips must stay as they were programmed, got others in {', '.join(changed)} of "
                "`chips.net`: call hwsim.program again"
            )
        state = self.device.program(
            self.targets_us(), stream(self.seed, "chip", self.first + chip, "program")
        )
        if self.pairs == "collapsed":
            difference = state["g_us"][PLUS] - state["g_us"][MINUS]
            state["g_us"] = torch.stack([difference.clamp(min=0), (-difference).clamp(min=0)])
        return state

    def targets_us(self) -> torch.Tensor:
        """Return the conductances to program, `(2, devices)`, µS, all layers one after the other."""
        span_us = self.device.g_max_us - self.device.g_min_us
        sizes = [layer.weight.numel() for layer in self.layers.values()]
        targets_us = next(iter(self.layers.values())).weight.new_empty(2, sum(sizes))
        for layer, part in zip(self.layers.values(), torch.split(targets_us, sizes, 1), strict=True):
            weight = layer.normalised_weight().flatten()
            part[PLUS] = weight.clamp(min=0)
            part[MINUS] = weight.neg_().clamp_(min=0)
        return targets_us.mul_(span_us).add_(self.device.g_min_us)

    def _weights(self) -> dict[str, int]:
        """Return a checksum of each layer's weights, the same on every device and in any order of summing."""
        return {name: int(layer.weight.view(torch.int32).sum()) for name, layer in self.layers.items()}
