"""The `chip` section: a described chip by name or a file, any of whose variables may be replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

import hwsim
from hwsim.chip_cost.chip_files import chip_of


def chip_from(value: Any, folder: Path | None) -> hwsim.Chip:
    """Return the chip that a section describes; the path of a file starts at `folder`.

    Raises:
        ValueError: for what is no chip.
    """
    try:
        return chip_of(value, folder=folder)
    except TypeError as error:  # pydantic takes only the other for what a user wrote
        raise ValueError(str(error)) from None


def other_tiles(chip: hwsim.Chip, hardware: hwsim.Hardware) -> str:
    """Return the rule and both tiles where hardware has others than a described chip; empty where they are the same."""
    if chip.tile == hardware.tile:
        return ""
    return f"the tiles of `hardware` must be those of `chip`, {chip.tile}, got {hardware.tile}"


def _read(value: Any, info: ValidationInfo) -> Any:
    return chip_from(value, (info.context or {}).get("folder"))


ChipSection = Annotated[
    hwsim.Chip, BeforeValidator(_read, json_schema_input_type=hwsim.Chip | str | dict[str, Any])
]
"""A described chip by name or a file, any of whose variables may be replaced."""
