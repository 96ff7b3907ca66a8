"""Programmed chips: both conductances of every pair, and what they are at any later time.

A weight is a differential pair, ``w = (g⁺ - g⁻) / (g_max - g_min)``: positive weights on g⁺, negative ones
on g⁻, the other device at the lowest conductance. Both are programmed, drift and fluctuate on their own.
Each chip has its own random stream, so that chip 7 of a seed is the same chip however many are programmed
with it.

References:
    Joshi et al., Nat. Commun. 11:2473, 2020 (differential pairs).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import nn

from hwsim.arguments import nearest, number, shown, whole
from hwsim.compensation import compensation_factors, readout
from hwsim.conversion import analog_layers, copied, require_analog, require_float32, tensors_of
from hwsim.devices import Device, DeviceState
from hwsim.devices.device import require_device
from hwsim.modules import AnalogLayer, Execution
from hwsim.noise import NoiseStream
from hwsim.streams import derive_seed, stream
from hwsim.weight_rows import share_note

PLUS, MINUS = 0, 1
MAX_CHIPS: Final = 100_000


@dataclass(frozen=True)
class Reading:
    """One chip at one time.

    Attributes:
        weights: layer name → shape of the layer's weight, units of g_max.
        compensation: layer name → `(blocks, columns)` factors on the outputs; None for none.
    """

    weights: dict[str, torch.Tensor]
    compensation: dict[str, torch.Tensor] | None

    def execution(
        self, layer: str, noise: NoiseStream, first_image: int, channels_last: bool = False
    ) -> Execution:
        """Return what `layer` computes with on this chip, from image number `first_image` on."""
        return Execution(
            programmed=self.weights[layer],
            compensation=None if self.compensation is None else self.compensation[layer],
            noise=replace(noise, first_image=first_image),
            channels_last=channels_last,
        )


class Chips:
    """A batch of programmed chips of one network.

    Attributes:
        net: the analog network as it was when programmed, in evaluation mode.
        device: the model of the memory device.
        own_device: whether that is an object of the caller's, and not what the hardware describes.
        seed: what the chips were drawn with.
        first: number of the first of them, among all chips of the seed.
        torch_device: where the network and the state are, and evaluations run.
        state: named tensors `(chips, 2, devices)` float32, all layers one after the other; `g_us` are the
            conductances after programming, µS.
    """

    def __init__(
        self,
        net: nn.Module,
        device: Device,
        seed: int,
        state: DeviceState,
        first: int = 0,
        own_device: bool = False,
    ) -> None:
        self.net = net
        self.device = device
        self.own_device = own_device
        self.seed = seed
        self.first = first
        self.state = state
        self.layers: dict[str, AnalogLayer] = dict(analog_layers(net))
        self._sizes = [layer.weight.numel() for layer in self.layers.values()]
        layer = next(iter(self.layers.values()))
        kinds = {layer.hardware.compensation.kind for layer in self.layers.values()}
        self.is_compensated = kinds != {"none"}
        self.torch_device = layer.weight.device

    def __len__(self) -> int:
        return self.state["g_us"].shape[0]

    def __repr__(self) -> str:
        """Return the chips' number and size for `print`."""
        kind = type(self.device).__name__
        note = share_note(self.net)
        return f"Chips({len(self)}, seed={self.seed}, device={kind}, weights={sum(self._sizes):,}{note})"

    def to(self, device: torch.device | str) -> Chips:
        """Return the same chips on another torch device, like `cuda`; these stay where they are.

        Raises:
            ValueError: for a device that is not there.
        """
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError, TypeError) as error:  # torch tells a missing GPU in either way
            said = str(error).partition("\n")[0]
            raise ValueError(f"`device` must be a torch device, got {device!r}: {said}") from None
        state = {name: tensor.to(device) for name, tensor in self.state.items()}
        net = copy.deepcopy(self.net).to(device)
        return Chips(net, self.device, self.seed, state, self.first, self.own_device)

    def conductances(self, layer: str) -> torch.Tensor:
        """Return a layer's programmed conductances, `(chips, 2, *weight.shape)` float32, µS; g⁺ first.

        Raises:
            ValueError: for a layer that is not analog.
        """
        if layer not in self.layers:
            known = ", ".join(f"`{name}`" for name in self.layers)
            hint = nearest(layer, self.layers)
            raise ValueError(f"`layer` must be an analog layer, one of {known}, got {shown(layer)}{hint}")
        index = list(self.layers).index(layer)
        start = sum(self._sizes[:index])
        part = self.state["g_us"][:, :, start : start + self._sizes[index]]
        return part.reshape(*part.shape[:2], *self.layers[layer].weight.shape)

    def at(self, t_s: float, chip: int) -> Reading:
        """Return the `chip`-th of these chips, from 0 on, at `t_s` seconds after programming.

        Raises:
            ValueError: for a time outside the device's validity range, or a chip that was not programmed.
            TypeError: for what is not a number.
        """
        t_s, chip = number("t_s", t_s), whole("chip", chip, least=0, most=len(self) - 1)
        state = {name: tensor[chip] for name, tensor in self.state.items()}
        generator = stream(self.seed, "chip", self.first + chip, "read", float(t_s))
        weights = self._pair_to_weights(self.device.read(state, t_s, generator))
        if not self.is_compensated:
            return Reading(weights, None)
        programmed = self._pair_to_weights(state["g_us"])
        factors = {}
        for name, layer in self.layers.items():
            key = (self.seed, "chip", self.first + chip, "readout", name)
            how = layer.hardware.compensation
            reference = readout(layer.crossbar, programmed[name], how.readout, stream(*key, "programming"))
            now = readout(layer.crossbar, weights[name], how.readout, stream(*key, float(t_s)))
            factors[name] = compensation_factors(reference, now, layer.mapping, how.kind)
        return Reading(weights, factors)

    def mvm_key(self, t_s: float, chip: int) -> int:
        """Return the key of the MVM noise of one chip at one time."""
        return derive_seed(self.seed, "chip", self.first + chip, "mvm", float(t_s))

    def _pair_to_weights(self, pair_us: torch.Tensor) -> dict[str, torch.Tensor]:
        flat = (pair_us[PLUS] - pair_us[MINUS]).div_(self.device.g_max_us - self.device.g_min_us)
        parts = torch.split(flat, self._sizes)
        return {
            name: part.view(layer.weight.shape)
            for (name, layer), part in zip(self.layers.items(), parts, strict=True)
        }


@torch.no_grad()
def program(net: nn.Module, n: int, seed: int = 0, *, first: int = 0, device: Device | None = None) -> Chips:
    """Program `n` chips with the weights of an analog network.

    Args:
        net: an analog network; the chips keep their own copy.
        n: number of chips.
        seed: chip k of a seed is always the same chip.
        first: number of the first chip, to program the chips of a seed in several batches.
        device: any object with what `hwsim.devices.Device` has, in place of the device of the hardware.

    Raises:
        ValueError: for a network without analog layers, `n` below 1, `first` below 0, an object that is no device, or
            weights, biases or statistics that are not finite or not float32.
        TypeError: for an argument of another type.

    Example:
        >>> from hwsim import preset, to_analog
        >>> net = to_analog(nn.Linear(4, 2), preset("pcm-analognas"))
        >>> program(net, n=3).conductances("").shape
        torch.Size([3, 2, 2, 4])
    """
    n, seed = whole("n", n, least=1, most=MAX_CHIPS), whole("seed", seed)
    first = whole("first", first, least=0)
    require_float32(require_analog(net))  # before a copy is made of who knows what
    net = copied("net", net).eval().requires_grad_(False)
    layers = require_analog(net)
    broken = [name for name, tensor in tensors_of(net).items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise ValueError(
            f"weights must be finite to be programmed, got NaN or infinity in {', '.join(broken)}"
        )
    hardware = next(iter(layers.values())).hardware
    own_device = device is not None
    device = hardware.device.build() if device is None else require_device("`device`", device)
    flat = torch.cat([layer.normalised_weight().reshape(-1) for layer in layers.values()])
    span_us = device.g_max_us - device.g_min_us
    target_us = torch.stack([flat.clamp(min=0), (-flat).clamp(min=0)]) * span_us + device.g_min_us
    state: DeviceState = {}
    for chip in range(n):
        one = device.program(target_us, stream(seed, "chip", first + chip, "program"))
        if hardware.pairs == "collapsed":
            difference = one["g_us"][PLUS] - one["g_us"][MINUS]
            one["g_us"] = torch.stack([difference.clamp(min=0), (-difference).clamp(min=0)])
        for name, tensor in one.items():
            if chip == 0:
                state[name] = tensor.new_empty(n, *tensor.shape)
            state[name][chip] = tensor
    return Chips(net, device, seed, state, first, own_device)
