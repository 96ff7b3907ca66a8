"""Hardware from a YAML file: the name of a preset and what differs from it, or values alone.

    preset: pcm-rasch2023
    tile: {rows: 256}
    device: {kind: polynomial, g_max_us: 40, programming_us: [0.5, 1.0]}

What the file leaves out is as in the preset, or as `Hardware` has it. A section `hardware` alone in its file is taken
as well, and so is that of a described chip (`hwsim.read_chip`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hwsim.arguments import require
from hwsim.chip_cost.chip_files import chip_of
from hwsim.hardware import Hardware
from hwsim.presets import preset
from hwsim.strict_yaml import read_yaml


def read_hardware(path: str | os.PathLike[str]) -> Hardware:
    """Return the hardware that a YAML file describes.

    Raises:
        ValueError: for a file that cannot be read, or a value out of range; the message names the file.
        TypeError: for a path or a value of another type.
    """
    values = read_yaml(path, "hardware")
    try:
        if isinstance(values, dict) and {"chip", "modes"} & values.keys():
            return _of_chip(values, path)
        if isinstance(values, dict) and set(values) == {"hardware"}:
            values = values["hardware"]
            values = {"preset": values} if isinstance(values, str) else values
        require(values, dict, "must hold values of hardware, like `tile: {rows: 256}`")
        base = preset(values["preset"]) if "preset" in values else Hardware()
        return base.replace({key: value for key, value in values.items() if key != "preset"})
    except RecursionError:
        raise ValueError(f"{path}: must be a tree of values, got one that contains itself") from None
    except TypeError as error:
        raise TypeError(f"{path}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _of_chip(values: dict[str, Any], path: str | os.PathLike[str]) -> Hardware:
    found = chip_of(values, Path(path).stem)
    if found.hardware is None:
        raise ValueError(f"the chip {found.name} must have a section `hardware` to compute with")
    return found.hardware
