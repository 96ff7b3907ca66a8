"""The `hardware` section: hardware written out, or a preset by name, with any of its values replaced."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

import hwsim


def _merge_preset(value: Any) -> Any:
    if isinstance(value, str):
        value = {"preset": value}
    if isinstance(value, dict) and "preset" in value:
        changes = {key: change for key, change in value.items() if key != "preset"}
        if not isinstance(value["preset"], str):
            raise ValueError(
                f"`preset` must be a name ({', '.join(hwsim.preset_names())}), got {value['preset']!r}"
            )
        return _merged(hwsim.preset(value["preset"]).model_dump(), changes)
    return value


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, change in changes.items():
        below = merged.get(key)
        same_kind = (
            isinstance(below, dict)
            and isinstance(change, dict)
            and change.get("kind") in (None, below.get("kind"))
        )
        merged[key] = _merged(below, change) if same_kind and isinstance(below, dict) else change
    return merged


HardwareSection = Annotated[
    hwsim.Hardware,
    BeforeValidator(_merge_preset, json_schema_input_type=hwsim.Hardware | str | dict[str, Any]),
]
"""Hardware written out, or a preset by name, with any of its values replaced."""
