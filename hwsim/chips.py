"""Programmed chips: both conductances of every pair, and what they are at any later time.

A weight is a differential pair, ``w = (g⁺ - g⁻) / (g_max - g_min)``: positive weights on g⁺, negative ones
on g⁻, the other device at the lowest conductance. Both are programmed, drift and fluctuate on their own.
Each chip has its own random stream, so that chip 7 of a seed is the same chip however many are programmed
with it, and a chip is drawn when it is asked for: all chips of a large network would not fit in memory.

References:
    Joshi et al., Nat. Commun. 11:2473, 2020 (differential pairs).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Final, Protocol

import torch
from torch import nn

from hwsim.arguments import nearest, seconds, shown, whole
from hwsim.chip_states import ChipStates, Moved, StateSource
from hwsim.compensation import compensation_factors, readout
from hwsim.conversion import analog_layers, copied, require_analog, require_float32, tensors_of
from hwsim.devices import Device, DeviceState
from hwsim.devices.device import NonlinearDevice, require_device
from hwsim.faults import Faulty, fault_map
from hwsim.measured import share_note
from hwsim.modules import AnalogLayer, Execution
from hwsim.noise import NoiseStream
from hwsim.programming import MINUS, PLUS, Programming
from hwsim.streams import derive_seed, stream
from hwsim.weight_rows import analog_share

MAX_CHIPS: Final = 100_000


@dataclass(frozen=True)
class Reading:
    """One chip at one time.

    Attributes:
        weights: layer name → shape of the layer's weight, units of g_max.
        compensation: layer name → `(blocks, columns)` factors on the outputs; None for none.
        curvature: layer name → weights of the second, third, … power of the inputs; empty for linear devices.
    """

    weights: dict[str, torch.Tensor]
    compensation: dict[str, torch.Tensor] | None
    curvature: dict[str, tuple[torch.Tensor, ...]] = field(default_factory=dict)

    def execution(
        self, layer: str, noise: NoiseStream, first_image: int, channels_last: bool = False
    ) -> Execution:
        """Return what `layer` computes with on this chip, from image number `first_image` on."""
        return Execution(
            programmed=self.weights[layer],
            compensation=None if self.compensation is None else self.compensation[layer],
            curvature=self.curvature.get(layer, ()),
            noise=replace(noise, first_image=first_image),
            channels_last=channels_last,
        )


class Readings(Protocol):
    """What can be read of a number of chips of one network: the weights that each computes with, and its noise."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def at(self, t_s: float, chip: int) -> Reading:
        """Return the `chip`-th of them, from 0 on, at `t_s` seconds after programming."""
        ...

    def mvm_key(self, t_s: float, chip: int) -> int:
        """Return the key of the noise of its products at that time."""
        ...

    def hold(self, chips: range) -> None:
        """Keep what `chips` are made of while they are evaluated at once."""
        ...


class Chips:
    """A batch of programmed chips of one network.

    Attributes:
        net: the analog network as it was when programmed, in evaluation mode; its weights must stay as they are.
        device: the model of the memory device.
        own_device: whether that is an object of the caller's, and not what the hardware describes.
        seed: what the chips were drawn with.
        first: number of the first of them, among all chips of the seed.
        torch_device: where the network and the states are, and evaluations run.
    """

    def __init__(
        self,
        net: nn.Module,
        device: Device,
        seed: int,
        source: StateSource,
        n: int,
        first: int = 0,
        own_device: bool = False,
    ) -> None:
        self.net = net
        self.device = device
        self.own_device = own_device
        self.seed = seed
        self.first = first
        self.layers: dict[str, AnalogLayer] = dict(analog_layers(net))
        self._parts = _parts(self.layers)
        self._states = ChipStates(source, n)
        self._state: DeviceState | None = None
        layer = next(iter(self.layers.values()))
        kinds = {layer.hardware.compensation.kind for layer in self.layers.values()}
        self.is_compensated = kinds != {"none"}
        self.torch_device = layer.weight.device

    def __len__(self) -> int:
        return self._states.n

    @property
    def state(self) -> DeviceState:
        """Named tensors `(chips, 2, devices)` float32, all layers one after the other; `g_us` are µS after programming.

        All chips are drawn for it, and held from then on; what is changed in these tensors counts. `state_of` gives one
        chip, which takes the memory of one.
        """
        if self._state is None:
            state: DeviceState = {}
            for chip in range(len(self)):
                self._put(chip, state)
            self._state, self._states = state, ChipStates(self._states.source, len(self))
        return self._state

    def state_of(self, chip: int) -> DeviceState:
        """Return the state of the `chip`-th of these chips, named tensors `(2, devices)` float32, not to be changed.

        Raises:
            ValueError: for a chip that was not programmed.
            TypeError: for what is not a number.
        """
        chip = whole("chip", chip, least=0, most=len(self) - 1)
        if self._state is None:
            return self._states.of(chip)
        return {name: tensor[chip] for name, tensor in self._state.items()}

    @property
    def is_nonlinear(self) -> bool:
        """Whether currents of the devices are not proportional to the inputs."""
        return isinstance(self.device, NonlinearDevice) and self.device.is_nonlinear

    def hold(self, chips: range) -> None:
        """Keep the states of `chips` while they are evaluated at once; else only the latest are kept."""
        self._states.hold(chips)

    def __repr__(self) -> str:
        """Return the chips' number and size for `print`."""
        kind = type(self.device).__name__
        weights = sum(layer.weight.numel() for layer in self.layers.values())
        note = share_note(analog_share(self.net))
        return f"Chips({len(self)}, seed={self.seed}, device={kind}, weights={weights:,}{note})"

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
        net, source = copy.deepcopy(self.net).to(device), Moved(self._states.source, device)
        moved = Chips(net, self.device, self.seed, source, len(self), self.first, self.own_device)
        if self._state is not None:
            moved._state = {name: tensor.to(device) for name, tensor in self._state.items()}
        return moved

    def conductances(self, layer: str, t_s: float | str | None = None) -> torch.Tensor:
        """Return a layer's conductances, `(chips, 2, *weight.shape)` float32, µS; g⁺ first.

        Args:
            layer: name of an analog layer.
            t_s: seconds since programming or a text such as `1 day`, for what the products of that time use; None for
                what programming left.

        Raises:
            ValueError: for a layer that is not analog, or a time outside the device's validity range.
        """
        if layer not in self.layers:
            known = ", ".join(f"`{name}`" for name in self.layers)
            hint = nearest(layer, self.layers)
            raise ValueError(f"`layer` must be an analog layer, one of {known}, got {shown(layer)}{hint}")
        shape = self.layers[layer].weight.shape
        found = torch.empty(len(self), 2, *shape, dtype=torch.float32, device=self.torch_device)
        time_s = None if t_s is None else seconds("t_s", t_s)
        for chip, pair in enumerate(found):
            pair_us = self.state_of(chip)["g_us"] if time_s is None else self._read(time_s, chip)
            pair.copy_(pair_us[:, self._parts[layer]].view(2, *shape))
        return found

    def at(self, t_s: float | str, chip: int) -> Reading:
        """Return the `chip`-th of these chips, from 0 on, at a time after programming: seconds, or a text like `1 day`.

        Raises:
            ValueError: for a time outside the device's validity range, or a chip that was not programmed.
            TypeError: for what is not a number.
        """
        t_s, chip = seconds("t_s", t_s), whole("chip", chip, least=0, most=len(self) - 1)
        state = self.state_of(chip)
        pair_us = self._read(t_s, chip)
        # one tensor for all layers: the allocator gives its memory back at once
        flat = self._normalised(pair_us, slice(None))
        curvature = self._curvature(pair_us)
        del pair_us  # as large as two networks
        weights = {
            name: flat[self._parts[name]].view(layer.weight.shape) for name, layer in self.layers.items()
        }
        if not self.is_compensated:
            return Reading(weights, None, curvature)
        factors = {}
        for name, layer in self.layers.items():
            key = (self.seed, "chip", self.first + chip, "readout", name)
            how = layer.hardware.compensation
            programmed = self._normalised(state["g_us"], self._parts[name]).view(layer.weight.shape)
            reference = readout(layer.crossbar, programmed, how.readout, stream(*key, "programming"))
            now = readout(layer.crossbar, weights[name], how.readout, stream(*key, float(t_s)))
            factors[name] = compensation_factors(reference, now, layer.mapping, how.kind)
        return Reading(weights, factors, curvature)

    def _read(self, t_s: float, chip: int) -> torch.Tensor:
        """Return the conductances of one chip at one time, `(2, devices)`, µS."""
        generator = stream(self.seed, "chip", self.first + chip, "read", float(t_s))
        return self.device.read(self.state_of(chip), t_s, generator)

    def mvm_key(self, t_s: float, chip: int) -> int:
        """Return the key of the MVM noise of one chip at one time."""
        return derive_seed(self.seed, "chip", self.first + chip, "mvm", float(t_s))

    def _normalised(self, pair_us: torch.Tensor, part: slice) -> torch.Tensor:
        """Return the weights of `part` of the devices, `(devices,)`, units of g_max."""
        span_us = self.device.g_max_us - self.device.g_min_us
        return (pair_us[PLUS, part] - pair_us[MINUS, part]).div_(span_us)

    def _curvature(self, pair_us: torch.Tensor) -> dict[str, tuple[torch.Tensor, ...]]:
        """Return the weights of the powers of the inputs, of devices whose current is not proportional to them."""
        if not self.is_nonlinear:
            return {}
        assert isinstance(self.device, NonlinearDevice)
        powers = [self._normalised(power, slice(None)) for power in self.device.curvature_us(pair_us)]
        return {
            name: tuple(power[self._parts[name]].view(layer.weight.shape) for power in powers)
            for name, layer in self.layers.items()
        }

    def _put(self, chip: int, state: DeviceState) -> None:
        """Put the state of one chip among those of all."""
        for name, tensor in self._states.of(chip).items():
            if chip == 0:
                state[name] = torch.empty(len(self), *tensor.shape, dtype=tensor.dtype, device=tensor.device)
            state[name][chip] = tensor


def _parts(layers: Mapping[str, AnalogLayer]) -> dict[str, slice]:
    """Return where the devices of each layer are among those of all."""
    ends = list(accumulate(layer.weight.numel() for layer in layers.values()))
    return {name: slice(start, end) for name, start, end in zip(layers, [0, *ends], ends, strict=False)}


@torch.no_grad()
def program(
    net: nn.Module,
    n: int,
    seed: int = 0,
    *,
    first: int = 0,
    device: Device | None = None,
    faults: Mapping[str, torch.Tensor] | None = None,
) -> Chips:
    """Program `n` chips with the weights of an analog network, each when it is first asked for.

    Args:
        net: an analog network; the chips keep their own copy.
        n: number of chips.
        seed: chip k of a seed is always the same chip.
        first: number of the first chip, to program the chips of a seed in several batches.
        device: any object with what `hwsim.devices.Device` has, in place of the device of the hardware; what it
            programs must depend on targets and generator alone, because a chip may be drawn again.
        faults: layer name → which devices of all chips are stuck, `(2, *weight.shape)`, g⁺ first: NaN for one that
            works, else from 0, the lowest conductance, to 1, the highest. None leaves it to `hardware.faults`.

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
    device = hardware.faults.build(device)
    if faults is not None:
        shapes = {name: tuple(layer.weight.shape) for name, layer in layers.items()}
        stuck_us = fault_map(faults, shapes, device)
        device = replace(device if isinstance(device, Faulty) else Faulty(device), stuck_us=stuck_us)
    source = Programming(layers, device, seed, first, hardware.pairs)
    chips = Chips(net, device, seed, source, n, first, own_device)
    chips.state_of(0)  # what is wrong with a device says so here
    return chips
