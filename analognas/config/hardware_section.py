"""The `hardware` section: hardware written out, a preset by name or a file, with any of its values replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ValidationInfo

import hwsim
from analognas.config.merged import merged
from analognas.specs.problems import nearest

ENDINGS: Final = (".yaml", ".yml")
"""Of names that stand for a file and not for a preset."""


def _merge_preset(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str):
        value = {"preset": value}
    if isinstance(value, dict) and "preset" in value:
        changes = {key: change for key, change in value.items() if key != "preset"}
        if not isinstance(value["preset"], str):
            raise ValueError(
                f"`preset` must be a name ({', '.join(hwsim.preset_names())}) or a YAML file of hardware, "
                f"got {value['preset']!r}"
            )
        base = _named(value["preset"], (info.context or {}).get("folder"))
        return merged(base.model_dump(), changes)
    return value


def _named(name: str, folder: Path | None) -> hwsim.Hardware:
    """Return the preset of that name, or the hardware of a file; a relative path starts at `folder`.

    Raises:
        ValueError: for another name, or a file that is missing or no hardware.
    """
    if name in hwsim.preset_names() or Path(name).suffix.lower() not in ENDINGS:
        return hwsim.preset(name)
    path = Path(name) if folder is None else folder / name
    if not path.is_file():
        raise ValueError(
            f"no such file: {path}{nearest(name, hwsim.preset_names())}; a relative path starts at the folder of the "
            "configuration"
        )
    try:
        return hwsim.read_hardware(path)
    except TypeError as error:  # pydantic takes only the other for what a user wrote
        raise ValueError(str(error)) from None


HardwareSection = Annotated[
    hwsim.Hardware,
    BeforeValidator(_merge_preset, json_schema_input_type=hwsim.Hardware | str | dict[str, Any]),
]
"""Hardware written out, a preset by name or a file, with any of its values replaced."""
