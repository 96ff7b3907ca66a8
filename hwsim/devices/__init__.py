"""Memory devices: one file a publication, with its constants, citation and validity range.

A new device is a file of this folder and its specification in the dictionary below; or, in another package, an entry
point in the group `hwsim.devices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, Union

from pydantic import Field

from hwsim.devices.device import Device, DeviceSpec, DeviceState
from hwsim.devices.entry_point import EntryPointSpec
from hwsim.devices.generic import Generic, GenericSpec
from hwsim.devices.hermes import Hermes, HermesSpec
from hwsim.devices.ideal import Ideal, IdealSpec
from hwsim.devices.pcm import Pcm, PcmSpec
from hwsim.devices.polynomial import PolynomialDevice, PolynomialSpec
from hwsim.devices.reram_cmo import ReramCmo, ReramCmoSpec
from hwsim.devices.reram_milo import ReramMilo, ReramMiloSpec
from hwsim.devices.reram_wan import ReramWan, ReramWanSpec
from hwsim.devices.sonos import Sonos, SonosSpec
from hwsim.devices.sram_charge import SramCharge, SramChargeSpec

__all__ = [
    "DEVICES",
    "PUBLISHED_DEVICES",
    "AnyDevice",
    "Device",
    "DeviceSpec",
    "DeviceState",
    "EntryPointSpec",
    "Generic",
    "GenericSpec",
    "Hermes",
    "HermesSpec",
    "Ideal",
    "IdealSpec",
    "Pcm",
    "PcmSpec",
    "PolynomialDevice",
    "PolynomialSpec",
    "ReramCmo",
    "ReramCmoSpec",
    "ReramMilo",
    "ReramMiloSpec",
    "ReramWan",
    "ReramWanSpec",
    "Sonos",
    "SonosSpec",
    "SramCharge",
    "SramChargeSpec",
]

DEVICES: Final[Mapping[str, type[DeviceSpec]]] = {
    "pcm": PcmSpec,
    "hermes": HermesSpec,
    "reram-wan2022": ReramWanSpec,
    "reram-cmo": ReramCmoSpec,
    "reram-milo2022": ReramMiloSpec,
    "sonos-agrawal2022": SonosSpec,
    "sram-charge": SramChargeSpec,
    "polynomial": PolynomialSpec,
    "generic": GenericSpec,
    "ideal": IdealSpec,
    "entry-point": EntryPointSpec,
}
"""Specifications by `kind`."""

PUBLISHED_DEVICES: Final[Mapping[str, DeviceSpec]] = {
    name: spec for kind in DEVICES.values() for name, spec in kind.published().items()
}
"""Devices by name, as they were published."""

if TYPE_CHECKING:
    AnyDevice: TypeAlias = DeviceSpec
else:
    AnyDevice = Annotated[Union[tuple(DEVICES.values())], Field(discriminator="kind")]  # noqa: UP007  # not known here
