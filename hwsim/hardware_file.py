"""Hardware from a YAML file: the name of a preset and what differs from it, or values alone.

    preset: pcm-rasch2023
    tile: {rows: 256}
    device: {kind: polynomial, g_max_us: 40, programming_us: [0.5, 1.0]}

What the file leaves out is as in the preset, or as `Hardware` has it. A section `hardware` of a larger file,
alone in its file, is taken as well.
"""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from hwsim.arguments import require
from hwsim.hardware import Hardware
from hwsim.presets import preset
from hwsim.strict_yaml import StrictLoader


def read_hardware(path: str | os.PathLike[str]) -> Hardware:
    """Return the hardware that a YAML file describes.

    Raises:
        ValueError: for a file that cannot be read, or a value out of range; the message names the file.
        TypeError: for a path or a value of another type.
    """
    require(path, (str, os.PathLike), "`path` must name a YAML file")
    try:
        values = yaml.load(Path(path).read_text(encoding="utf-8"), StrictLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise ValueError(f"{path}: must be a YAML file of hardware: {said}") from None
    try:
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
