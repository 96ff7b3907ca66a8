"""The `chip` section: a described chip by name or a file, any of whose variables may be replaced."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

import hwsim
from analognas.config.hardware_section import ENDINGS
from hwsim.chip_cost.chip_files import chip_of


def chip_from(value: Any, folder: Path | None) -> hwsim.Chip:
    """Return the chip that a section describes; the path of a file starts at `folder`.

    Raises:
        ValueError: for what is no chip.
    """
    named = value.get("chip") if isinstance(value, Mapping) else value
    if isinstance(named, str) and Path(named).suffix.lower() in ENDINGS:
        path = Path(named) if folder is None else folder / named
        if not path.is_file():
            raise ValueError(
                f"no such file: {path}; a relative path starts at the folder of the configuration"
            )
        base = hwsim.read_chip(path)
        if not isinstance(value, Mapping):
            return base
        return chip_of(
            {**base.model_dump(), **{key: change for key, change in value.items() if key != "chip"}}
        )
    try:
        return chip_of(value)
    except TypeError as error:  # pydantic takes only the other for what a user wrote
        raise ValueError(str(error)) from None


def _read(value: Any, info: ValidationInfo) -> Any:
    return chip_from(value, (info.context or {}).get("folder"))


ChipSection = Annotated[
    hwsim.Chip, BeforeValidator(_read, json_schema_input_type=hwsim.Chip | str | dict[str, Any])
]
"""A described chip by name or a file, any of whose variables may be replaced."""
