"""What a memory device model offers: programming, and its conductance at any later time.

A device is one file: a specification, which only validates, and the model that it builds. The files of this folder
import no torch when they are imported, so that a configuration can be checked without it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeAlias, runtime_checkable

from hwsim.spec import Spec

if TYPE_CHECKING:
    import torch

LATEST_S: Final = 1e15
"""End of the validity range of a model that was published without one, s (32 million years)."""

DeviceState: TypeAlias = "dict[str, torch.Tensor]"
"""What programming leaves behind in each device: named float32 tensors, all of the target's shape."""


class Device(Protocol):
    """A publication's device model. Conductances in µS, times in seconds since programming ended."""

    @property
    def g_max_us(self) -> float:
        """Conductance of a weight of 1, µS."""
        ...

    @property
    def g_min_us(self) -> float:
        """Conductance of a weight of 0, µS."""
        ...

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> DeviceState:
        """Return what programming to `g_target_us` leaves; the key `g_us` holds the conductances then."""
        ...

    def read(self, state: DeviceState, t_s: float, generator: torch.Generator) -> torch.Tensor:
        """Return the conductances at `t_s`, one draw of whatever fluctuates between inferences.

        Raises:
            ValueError: for a time outside the model's validity range.
        """
        ...


@runtime_checkable
class NonlinearDevice(Protocol):
    """What a device has besides where its current is not proportional to the voltage.

    With inputs u from -1 to 1, the current in units of the largest voltage is ``g u + c_2 u² + c_3 u³ + …``.
    """

    @property
    def is_nonlinear(self) -> bool:
        """Whether inputs are voltages; if they are durations at one voltage, currents are proportional to them."""
        ...

    def curvature_us(self, g_us: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return c_2, c_3, … of devices that conduct `g_us`, µS, each of its shape."""
        ...


class DeviceSpec(Spec):
    """The specification of a device model; its docstring says in one line what the device is."""

    kind: str

    @abstractmethod
    def build(self) -> Device:
        """Return the model."""

    @classmethod
    def published(cls) -> dict[str, Self]:
        """Return the devices of this kind by name, as they were published."""
        return {cls.model_fields["kind"].default: cls.model_validate({})}


def check_time(t_s: float, latest_s: float = LATEST_S, source: str = "") -> None:
    """Raise ValueError unless ``0 <= t_s <= latest_s``."""
    if not 0 <= t_s <= latest_s:
        reason = f" ({source})" if source else ""
        raise ValueError(f"`0 <= t_s <= {latest_s:g}` must hold{reason}, got {t_s:g}")


def require_device(what: str, device: Any) -> Device:
    """Return `device` if it has what a device has.

    Raises:
        ValueError: for one without; the message begins with `what`.
    """
    missing = [name for name in ("g_max_us", "g_min_us", "program", "read") if not hasattr(device, name)]
    if missing:
        raise ValueError(f"{what} must have `{'`, `'.join(missing)}`, got {type(device).__name__}")
    checked: Device = device
    return checked
