"""Devices that are stuck, whatever is programmed: at the highest conductance, the lowest, or a value between.

A share of all devices is stuck, each by its own draw when a chip is programmed, or a map says which. Stuck devices do
not drift or fluctuate; all others are those of the same chip without faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from pydantic import Field, model_validator

from hwsim.arguments import require
from hwsim.devices.device import Device, DeviceState, NonlinearDevice
from hwsim.spec import Spec
from hwsim.streams import uniform

if TYPE_CHECKING:
    import torch

STUCK: Final = "stuck_us"
"""Name in a device's state of the conductance at which it is stuck, µS; below 0 for one that works."""


class FaultSpec(Spec):
    """Devices that are stuck."""

    on: float = Field(default=0.0, ge=0, le=1)
    """Share of devices stuck at the highest conductance."""
    off: float = Field(default=0.0, ge=0, le=1)
    """Share of devices stuck at the lowest conductance."""
    at_value: float = Field(default=0.0, ge=0, le=1)
    """Share of devices stuck at `value`."""
    value: float = Field(default=0.5, ge=0, le=1)
    """Where these are stuck: 0 is the lowest conductance, 1 the highest."""

    @model_validator(mode="after")
    def _shares_are_one_at_most(self) -> FaultSpec:
        if self.on + self.off + self.at_value > 1:
            raise ValueError(
                f"`on + off + at_value <= 1` must hold, got {self.on + self.off + self.at_value:g}"
            )
        return self

    @property
    def is_any(self) -> bool:
        """Whether any device is stuck."""
        return self.on + self.off + self.at_value > 0

    def build(self, device: Device) -> Device:
        """Return `device` with these faults, or itself where there are none."""
        span = device.g_max_us - device.g_min_us
        value_us = device.g_min_us + self.value * span
        return Faulty(device, self.on, self.off, self.at_value, value_us) if self.is_any else device


@final
@dataclass(frozen=True, eq=False)
class Faulty:
    """A device of which some are stuck.

    Attributes:
        device: the model of those that work.
        on: share that is stuck at the highest conductance.
        off: share that is stuck at the lowest.
        at_value: share that is stuck at `value_us`.
        value_us: conductance of these, µS.
        stuck_us: conductances at which devices are stuck, of the shape of all targets, below 0 for those that are
            left to the shares; None for no map.
    """

    device: Device
    on: float = 0.0
    off: float = 0.0
    at_value: float = 0.0
    value_us: float = 0.0
    stuck_us: torch.Tensor | None = None

    @property
    def g_max_us(self) -> float:
        """Conductance of a weight of 1, µS."""
        return self.device.g_max_us

    @property
    def g_min_us(self) -> float:
        """Conductance of a weight of 0, µS."""
        return self.device.g_min_us

    @property
    def is_nonlinear(self) -> bool:
        """Whether the devices are."""
        return isinstance(self.device, NonlinearDevice) and self.device.is_nonlinear

    def curvature_us(self, g_us: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return those of the devices."""
        assert isinstance(self.device, NonlinearDevice)
        return self.device.curvature_us(g_us)

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return the state of the devices, and at which conductance each is stuck."""
        state = self.device.program(g_target_us, generator)
        drawn = uniform(g_target_us, generator)  # after the devices, which are those without faults
        stuck = g_target_us.new_full(g_target_us.shape, -1.0)
        bound = 0.0
        for share, at_us in (
            (self.on, self.g_max_us),
            (self.off, self.g_min_us),
            (self.at_value, self.value_us),
        ):
            stuck.masked_fill_((drawn >= bound) & (drawn < bound + share), at_us)
            bound += share
        if self.stuck_us is not None:
            stuck = self.stuck_us.to(stuck).where(self.stuck_us.to(stuck) >= 0, stuck)
        return {**state, "g_us": stuck.where(stuck >= 0, state["g_us"]), STUCK: stuck}

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the conductances at `t_s`, µS."""
        working = {name: tensor for name, tensor in state.items() if name != STUCK}
        g_us = self.device.read(working, t_s, generator)
        return state[STUCK].where(state[STUCK] >= 0, g_us)


def fault_map(faults: object, shapes: Mapping[str, tuple[int, ...]], device: Device) -> torch.Tensor:
    """Return the conductances at which the devices of all layers are stuck, `(2, devices)`, µS; -1 for none.

    Args:
        faults: layer name → `(2, *weight.shape)` floating-point tensor, g⁺ first: NaN for a device that works, else
            where it is stuck, from 0, the lowest conductance, to 1, the highest. Layers that are not named work.
        shapes: of the weights of all analog layers, in their order.
        device: which conductances 0 and 1 stand for.

    Raises:
        TypeError: for anything but a mapping of tensors.
        ValueError: for names of no layer, other shapes, or values out of range.
    """
    import torch

    require(faults, Mapping, "`faults` must be a mapping of names of layers to tensors")
    assert isinstance(faults, Mapping)
    unknown = [name for name in faults if name not in shapes]
    if unknown:
        raise ValueError(f"`faults` must name analog layers ({', '.join(shapes)}), got {unknown[0]!r}")
    parts = []
    for name, shape in shapes.items():
        stuck: Any = faults.get(name)
        if stuck is None:
            parts.append(torch.full((2, *shape), -1.0).flatten(1))
            continue
        require(stuck, torch.Tensor, f"`faults[{name!r}]` must be a tensor")
        if tuple(stuck.shape) != (2, *shape) or not stuck.is_floating_point():
            raise ValueError(
                f"`faults[{name!r}]` must be {(2, *shape)} floating-point numbers, got {tuple(stuck.shape)} "
                f"{stuck.dtype}"
            )
        works = stuck.isnan()
        if bool(((stuck < 0) | (stuck > 1)).logical_and(~works).any()):
            low, high = (float(end) for end in stuck[~works].aminmax())
            raise ValueError(
                f"`faults[{name!r}]` must be NaN, for a device that works, or from 0 to 1, got {low:g} to {high:g}"
            )
        at_us = device.g_min_us + stuck.float() * (device.g_max_us - device.g_min_us)
        parts.append(at_us.masked_fill(works, -1.0).flatten(1).cpu())
    return torch.cat(parts, 1)
