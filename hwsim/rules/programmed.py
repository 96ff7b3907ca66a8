"""A network on a programmed chip of `hwsim`, at any time after programming.

Whenever its weights have changed, they are programmed again before the next pass, and read at the time. What the
controller believes in is the ideal product with the weights that it wrote.
"""

from __future__ import annotations

from typing import final

import torch
from torch import nn

from hwsim.arguments import require, seconds, whole
from hwsim.chips import Chips, Reading
from hwsim.conversion import require_analog, require_float32
from hwsim.modules import NOMINAL, AnalogComposite, AnalogLayer, ParameterProduct
from hwsim.modules.column_scales import times_columns
from hwsim.noise import NoisePool, NoiseStream
from hwsim.programming import Programming
from hwsim.rules.network import NetworkSystem
from hwsim.streams import derive_seed, stream


@final
class ProgrammedNetwork(NetworkSystem):
    """An analog network on one chip, read at a time after each programming.

    Args:
        net: an analog network with calibrated input ranges, trained in place.
        t_s: seconds from programming to the passes, or a text like `1 hour`.
        seed: of the chip and its noise.
        same_errors: whether each programming draws the errors of the first again, as in a chip whose errors stay;
            else each draws its own, as writing does.

    Raises:
        ValueError: for a network without analog layers, with recurrent or attention layers on tiles, or a time outside
            the device's validity range.
        TypeError: for an argument of another type.

    Example:
        >>> import hwsim
        >>> net = hwsim.to_analog(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), "pcm-analognas")
        >>> hwsim.calibrate(net, [torch.ones(5, 4)])
        >>> ProgrammedNetwork(net, "1 hour").measure(torch.ones(5, 4)).shape
        torch.Size([5, 2])
    """

    def __init__(self, net: nn.Module, t_s: float | str, seed: int = 0, *, same_errors: bool = False) -> None:
        self._analog: dict[str, AnalogLayer] = require_analog(net)
        require_float32(self._analog)
        for name, module in net.named_modules():
            if isinstance(module, AnalogComposite | ParameterProduct):
                raise ValueError(
                    "`net` must have fully connected and convolutional layers alone on tiles, got "
                    f"{type(module).__name__} in `{name}`: name it in `digital_layers` of hwsim.to_analog"
                )
        super().__init__(net, self._analog)
        self._t_s, self._seed = seconds("t_s", t_s), whole("seed", seed)
        require(same_errors, bool, "`same_errors` must be True or False")
        self._same_errors = same_errors
        hardware = next(iter(self._analog.values())).hardware
        self._pairs, self._device = hardware.pairs, hardware.build_device()
        mappings = (layer.mapping for layer in self._analog.values())
        weight = next(iter(self._analog.values())).weight
        self._pool = NoisePool.for_layers(stream(self._seed, "pool"), mappings, weight.device)
        self._index = {name: index for index, name in enumerate(self._analog)}
        self._writes = self._reads = 0
        self._written: tuple[int, ...] | None = None
        self._reading = self._read()

    @property
    def writes(self) -> int:
        """How often the chip was programmed."""
        return self._writes

    def held(self, name: str) -> torch.Tensor:
        """Return the weights that the chip reads, with their digital scales."""
        layer, reading = self._analog[name], self._read()
        scales = layer.digital_scales()
        if reading.compensation is not None:
            scales = scales * reading.compensation[name]
        return times_columns(reading.weights[name], scales, layer.mapping.blocks)

    def _output(self, name: str, x: torch.Tensor) -> torch.Tensor:
        layer, reading = self._analog[name], self._read()
        self._reads += 1
        noise = NoiseStream(self._pool, derive_seed(self._seed, "pass", self._reads))
        layer.execution = reading.execution(name, noise.child(self._index[name]), 0)
        try:
            return AnalogLayer.forward(layer, x)
        finally:
            layer.execution = NOMINAL

    @torch.no_grad()
    def _read(self) -> Reading:
        """Return what the chip holds at the time, programmed again if weights have changed."""
        now = tuple(layer.weight._version for layer in self._analog.values())
        if now != self._written:
            key = 0 if self._same_errors else self._writes
            seed = derive_seed(self._seed, "write", key)
            source = Programming(self._analog, self._device, seed, 0, self._pairs)
            self._reading = Chips(self.net, self._device, seed, source, 1).at(self._t_s, 0)
            self._written, self._writes = now, self._writes + 1
        return self._reading
