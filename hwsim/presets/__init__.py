"""Published hardware settings, one YAML file each, with the publication they come from."""

from __future__ import annotations

from importlib import resources
from typing import Final

import yaml

from hwsim.arguments import one_of, require
from hwsim.hardware import Hardware, explain

_CHANGES_SHOWN: Final = 4
"""Changed values that a label names; of more it gives the number."""


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
    name = one_of("hardware", name, preset_names())
    text = (resources.files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
    return Hardware.model_validate({"name": name, **yaml.safe_load(text)})


def label(hardware: Hardware) -> str:
    """Return the name of `hardware` and what differs from the preset of that name.

    Example:
        >>> label(preset("pcm-rasch2023").replace({"tile.rows": 256}))
        'pcm-rasch2023 with tile.rows 256'
    """
    require(hardware, Hardware, "`hardware` must be hwsim.Hardware")
    if hardware.name not in preset_names():
        return hardware.name
    published = {path: value for path, value, _ in explain(preset(hardware.name))}
    for path, value, _ in explain(type(hardware.digital)(), "digital."):
        published.setdefault(
            path, value
        )  # a digital unit of another kind is one change, its defaults are none
    changed = [
        f"{path} {'none' if value is None else value}"
        for path, value, _ in explain(hardware)
        if path != "citation" and (path not in published or published[path] != value)
    ]
    if not changed:
        return hardware.name
    shown = ", ".join(changed) if len(changed) <= _CHANGES_SHOWN else f"{len(changed)} other values"
    return f"{hardware.name} with {shown}"
