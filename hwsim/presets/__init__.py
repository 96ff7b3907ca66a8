"""Published hardware settings, one YAML file each, with the publication they come from."""

from __future__ import annotations

from importlib import resources

import yaml

from hwsim.arguments import nearest, require
from hwsim.hardware import Hardware


def preset_names() -> tuple[str, ...]:
    """Return the names that `preset` knows, sorted."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".yaml")))


def preset(name: str) -> Hardware:
    """Return the published setting called `name`.

    Raises:
        ValueError: for an unknown name; the message lists the known ones and the nearest.
        TypeError: for anything but a name.

    Example:
        >>> preset("pcm-rasch2023").mvm.output_noise
        0.04
    """
    names = preset_names()
    require(name, str, f"`name` must be one of {', '.join(names)}")
    if name not in names:
        raise ValueError(f"`hardware` must be one of {', '.join(names)}, got {name!r}{nearest(name, names)}")
    text = (resources.files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
    return Hardware.model_validate({"name": name, **yaml.safe_load(text)})
