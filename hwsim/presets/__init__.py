"""Published hardware settings, one YAML file each, with the publication they come from."""

from __future__ import annotations

import difflib
from importlib import resources

import yaml

from hwsim.hardware import Hardware


def preset_names() -> tuple[str, ...]:
    """Return the names that `preset` knows, sorted."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".yaml")))


def preset(name: str) -> Hardware:
    """Return the published setting called `name`.

    Raises:
        ValueError: for an unknown name; the message lists the known ones and the nearest.

    Example:
        >>> preset("pcm-rasch2023").mvm.output_noise
        0.04
    """
    names = preset_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise ValueError(f"`hardware` must be one of {', '.join(names)}, got {name!r}{hint}")
    text = (resources.files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
    return Hardware.model_validate({"name": name, **yaml.safe_load(text)})
