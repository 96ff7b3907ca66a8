"""The kinds of pulsed devices, and devices from and to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, Union

from pydantic import Field

from hwsim.learning.devices.constant import ConstantStep
from hwsim.learning.devices.device import PulsedDevice
from hwsim.learning.devices.exponential import ExponentialStep
from hwsim.learning.devices.linear import LinearStep
from hwsim.learning.devices.piecewise import PiecewiseStep
from hwsim.learning.devices.power import PowerStep
from hwsim.learning.devices.soft_bounds import SoftBounds
from hwsim.learning.devices.soft_bounds_reference import SoftBoundsReference

PULSED_DEVICES: Final[Mapping[str, type[PulsedDevice]]] = {
    "constant": ConstantStep,
    "linear": LinearStep,
    "soft-bounds": SoftBounds,
    "soft-bounds-reference": SoftBoundsReference,
    "exponential": ExponentialStep,
    "power": PowerStep,
    "piecewise": PiecewiseStep,
}
"""Devices by `kind`."""

if TYPE_CHECKING:
    AnyPulsedDevice: TypeAlias = PulsedDevice
else:
    AnyPulsedDevice = Annotated[Union[tuple(PULSED_DEVICES.values())], Field(discriminator="kind")]  # noqa: UP007  # not known here
