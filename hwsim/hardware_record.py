"""The hardware of a network's layers in the metadata of a file: one for all, and that of layers with another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hwsim.arguments import require
from hwsim.hardware import Hardware, explain
from hwsim.modules import AnalogLayer
from hwsim.other_network import OtherNetworkError


def recorded(layers: Mapping[str, AnalogLayer]) -> dict[str, str]:
    """Return the metadata that say every layer's hardware: that of the first, and others by layer."""
    one, *_ = (layer.hardware for layer in layers.values())
    others = {
        name: layer.hardware.model_dump(mode="json")
        for name, layer in layers.items()
        if layer.hardware != one
    }
    found = {"hardware": one.model_dump_json()}
    return {**found, "hardware_by_layer": json.dumps(others)} if others else found


def recorded_hardware(metadata: Mapping[str, str]) -> dict[str, Hardware]:
    """Return the hardware that `recorded` wrote, by name of the layer; that of all others under an empty name.

    Raises:
        KeyError, TypeError, ValueError: for metadata of another kind.
    """
    others = json.loads(metadata.get("hardware_by_layer", "{}"))
    require(others, dict, "`hardware_by_layer` must be a mapping")
    by_layer = {name: Hardware.model_validate(values) for name, values in others.items()}
    return {**by_layer, "": Hardware.model_validate_json(metadata["hardware"])}


def require_recorded(path: Path, layers: Mapping[str, AnalogLayer], stored: Mapping[str, Hardware]) -> None:
    """Raise OtherNetworkError unless each layer has the hardware that the file has for it."""
    for name, layer in layers.items():
        wanted = stored.get(name, stored[""])
        if layer.hardware != wanted:
            place = f"in `{name}` " if len(stored) > 1 else ""
            difference = f"{place}{_difference(layer.hardware, wanted)}"
            raise OtherNetworkError(
                f"`net` must be made for the hardware of the chips in {path}, {wanted.name}; it has "
                f"{difference}: call hwsim.to_analog with theirs",
                f"the hardware has {difference}",
            )


def _difference(found: Hardware, wanted: Hardware) -> str:
    """Return every value in which two hardwares differ, in one line; their names where nothing else does."""
    values = {path: value for path, value, _ in explain(wanted)}
    different = [
        (path, f"{path} {value!r} (not {values.get(path)!r})")
        for path, value, _ in explain(found)
        if path not in values or values[path] != value
    ]
    computing = [text for path, text in different if path not in ("name", "citation")]
    return ", ".join(computing or [text for _, text in different])
