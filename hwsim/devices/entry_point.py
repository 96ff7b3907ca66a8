"""A device of another package, behind an entry point.

In the other package's pyproject.toml:

    [project.entry-points."hwsim.devices"]
    my-device = "my_package:MyDevice"

and in hardware `device: {kind: entry-point, name: my-device, options: {...}}`. No other code is ever run from a file.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final, Literal, Self

from pydantic import Field

from hwsim.arguments import nearest
from hwsim.devices.device import Device, DeviceSpec, require_device

GROUP: Final = "hwsim.devices"


class EntryPointSpec(DeviceSpec):
    """A device of another package, by its entry point in the group `hwsim.devices`."""

    kind: Literal["entry-point"] = "entry-point"
    name: str
    """Name of the entry point."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the class or function behind it."""

    def build(self) -> Device:
        """Return what the entry point makes of the options.

        Raises:
            ValueError: without such an entry point, when it fails, or returns anything but a device.
        """
        found = {point.name: point for point in entry_points(group=GROUP)}
        if self.name not in found:
            hint = nearest(self.name, found)
            raise ValueError(
                f"no installed package offers the device {self.name!r} in the group `{GROUP}`{hint}"
            )
        what = f"the device {self.name!r} ({found[self.name].value})"
        try:
            device = found[self.name].load()(**self.options)
        except Exception as error:
            raise ValueError(f"{what} failed: {type(error).__name__}: {error}") from error
        return require_device(what, device)

    @classmethod
    def published(cls) -> dict[str, Self]:
        """Return none."""
        return {}
