"""Chips by name, and chips of a user's own from YAML files.

    chip: hermes-64core        # a described chip; what follows differs from it
    tiles: 16
    link: {hop: {value: 20 fJ/bit, source: "post-layout simulation", tag: derived}}

A file without `chip` is a whole description (`docs/cost.md` names every variable). `modes` are merged key by key, too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hwsim.arguments import nearest, one_of, require, shown
from hwsim.chip_cost.description import SECTIONS, Chip
from hwsim.strict_yaml import read_yaml

_CHANGES_SHOWN: Final = 3
"""Changed variables that a name tells; of more it gives the number."""

_REMEDIES: Final = {
    "tile": "rows and columns, or `hardware`, which has them",
    "modes": "a way of reading by name, with `pulse`, `overhead` and `energy`; or `chip`, a described one",
    "mode": "one of the `modes`",
}
"""What to write for variables that are no constants."""

_EVERY_MODE: Final = "every-mode"
"""Key of `modes` whose values hold for each mode that does not have its own."""


def chip_names() -> tuple[str, ...]:
    """Return the names of the described chips, sorted."""
    files = (resources.files("hwsim.chip_cost") / "chips").iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".yaml")))


def chip(name: str) -> Chip:
    """Return the description of the chip called `name`.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
        TypeError: for anything but a name.

    Example:
        >>> chip("hermes-64core").tiles
        64
    """
    return _checked(_described(name))


def read_chip(path: str | os.PathLike[str]) -> Chip:
    """Return the chip that a YAML file describes.

    Raises:
        ValueError: for a file that cannot be read, a constant without unit, a value out of range or one that is
            missing; the message names the file and the key.
        TypeError: for a path of another type.
    """
    values = read_yaml(path, "a chip")
    try:
        require(values, Mapping, "must hold variables of a chip, like `tiles: 16`")
        return chip_of(values, Path(path).stem, Path(path).parent)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def chip_of(given: object, name: str = "custom", folder: Path | None = None) -> Chip:
    """Return the chip of a name, a path to a YAML file, a mapping as such files hold them, or a `Chip`.

    Args:
        given: what describes the chip; the key `chip` of a mapping names another one, of which only the rest differs.
        name: what a chip is called that has no name.
        folder: where relative paths begin; None for the working directory.

    Raises:
        ValueError: for what is no chip.
        TypeError: for an object of another type.
    """
    if isinstance(given, Chip):
        return given
    if isinstance(given, str | os.PathLike):
        text = os.fspath(given)
        return chip(text) if text in chip_names() else read_chip(_path(text, folder))
    require(given, Mapping, "`chip` must be a name, a YAML file, or a mapping of values")
    assert isinstance(given, Mapping)
    if set(given) == {"chip"} and isinstance(given["chip"], Mapping):
        given = given["chip"]
    return _checked(_resolved(given, name, folder, ()))


def _resolved(
    given: Mapping[Any, Any], name: str, folder: Path | None, within: tuple[str, ...]
) -> dict[str, Any]:
    """Return the values of a description, those of the chip that it names below its own."""
    own = {str(key): value for key, value in given.items() if key != "chip"}
    if "chip" not in given:
        return {"name": name, **own}
    named = given["chip"]
    require(named, str, f"`chip` must be one of {', '.join(chip_names())}, or a YAML file")
    if named in chip_names():
        base = _described(named)
    else:
        path = _path(named, folder)
        if str(path.resolve()) in within:
            raise ValueError(f"`chip` must not lead back to the file that names it, got {named!r}")
        values = read_yaml(path, "a chip")
        require(values, Mapping, f"{path}: must hold variables of a chip, like `tiles: 16`")
        base = _resolved(values, path.stem, path.parent, (*within, str(path.resolve())))
    if own:
        base["name"] = name if name != "custom" else f"{base['name']} with {_changes(own)}"
    hardware = base.get("hardware")
    if "hardware" in own:
        base.pop("tile", None)
    elif "tile" in own and hardware is not None:
        preset = {"preset": hardware} if isinstance(hardware, str) else dict(hardware)
        own["hardware"] = merged(preset, {"tile": own.pop("tile")})
        base.pop("tile", None)
    return merged(base, own)


def _path(text: str, folder: Path | None) -> Path:
    """Return the path of a chip's file.

    Raises:
        ValueError: for a name that is none.
    """
    path = Path(text) if folder is None else folder / text
    if not path.suffix and not path.is_file():
        known = ", ".join(chip_names())
        raise ValueError(
            f"`chip` must be one of {known}, or a YAML file, got {shown(text)}{nearest(text, chip_names())}"
        )
    return path


def _changes(own: Mapping[str, Any]) -> str:
    """Return what differs from a described chip, for its name."""
    if len(own) > _CHANGES_SHOWN:
        return f"{len(own)} other variables"
    return ", ".join(
        f"another {key}" if isinstance(value, Mapping | list) else f"{key} {value}"
        for key, value in own.items()
    )


def _described(name: object) -> dict[str, Any]:
    name = one_of("chip", name, chip_names())
    text = (resources.files("hwsim.chip_cost") / "chips" / f"{name}.yaml").read_text(encoding="utf-8")
    return {"name": name, **yaml.safe_load(text)}


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `own`; mappings are merged, constants replaced as a whole."""
    found = dict(base)
    for key, value in own.items():
        old = found.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and "value" not in value:
            found[key] = merged(old, value)
        else:
            found[key] = value
    return found


def _checked(values: Mapping[str, Any]) -> Chip:
    values = dict(values)
    modes = values.get("modes")
    if isinstance(modes, Mapping) and isinstance(modes.get(_EVERY_MODE), Mapping):
        shared = modes[_EVERY_MODE]
        values["modes"] = {
            mode: merged(shared, own) if isinstance(own, Mapping) else own
            for mode, own in modes.items()
            if mode != _EVERY_MODE
        }
    try:
        return Chip.model_validate(values)
    except ValidationError as error:
        raise ValueError("; ".join(_one_line(problem) for problem in error.errors())) from None


def _one_line(problem: ErrorDetails) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    place = f"`{path}`: " if path else ""
    got = "" if isinstance(problem["input"], dict) else f", got {problem['input']!r}"
    match problem["type"]:
        case "value_error":
            return f"{place}{problem['ctx']['error']}"
        case "missing":
            return f"`{path}` must be given: {_REMEDIES.get(path, 'the chip needs this constant')}"
        case "extra_forbidden":
            return f"`{path}` is no variable of a chip{nearest(problem['loc'][-1], _variables())}"
        case "model_type" | "model_attributes_type" | "mapping_type":
            return f"{place}must be a mapping of its values{got}"
    said = problem["msg"]
    return f"{place}{'must' + said.removeprefix('Input should') if said.startswith('Input should') else said}{got}"


def _variables() -> set[str]:
    return {name for section in SECTIONS for name in section.model_fields}
