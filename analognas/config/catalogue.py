"""What a configuration can use, explained from the specifications themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

import hwsim
from analognas.executors.specs import BUILT_IN as EXECUTORS
from analognas.progress.specs import GROUP, OBSERVERS
from analognas.spaces.specs import SPACES
from analognas.strategies.specs import SELECTABLE as STRATEGIES
from analognas.strategies.surrogate_section import SELECTABLE as SURROGATES
from analognas.tasks.specs import TASKS


@dataclass(frozen=True)
class Option:
    """One option: its dotted path, its value or default (None: required or off), what it means."""

    path: str
    value: Any
    meaning: str


@dataclass(frozen=True)
class Entry:
    """One thing a configuration can name."""

    summary: str
    options: tuple[Option, ...]


FAMILIES: Final[Mapping[str, Mapping[str, type[BaseModel]]]] = {
    "spaces": SPACES,
    "tasks": TASKS,
    "strategies": STRATEGIES,
    "surrogates": SURROGATES,
    "executors": EXECUTORS,
    "observers": OBSERVERS,
}
"""The specifications by family and name."""


def catalogue(subject: str) -> Mapping[str, Entry]:
    """Return every entry of a subject, one of `FAMILIES`, `hardware` or `chips`, by its name in a configuration."""
    if subject == "hardware":
        return _hardware()
    if subject == "chips":
        return {name: chip_entry(hwsim.chip(name)) for name in hwsim.chip_names()}
    installed = (
        {} if subject != "observers" else {point.name: point.value for point in entry_points(group=GROUP)}
    )
    return {
        **{
            name: Entry(f"Offered by an installed package: {place}.", ()) for name, place in installed.items()
        },
        **{
            name: Entry(_first_paragraph(spec), tuple(_defaults(spec, "")))
            for name, spec in FAMILIES[subject].items()
        },
    }


def _hardware() -> Mapping[str, Entry]:
    return {name: hardware_entry(hwsim.preset(name)) for name in hwsim.preset_names()}


def hardware_entry(hardware: hwsim.Hardware) -> Entry:
    """Return the values of any hardware."""
    return Entry(hardware.citation, tuple(_values(hardware, "", skip=("name", "citation"))))


def chip_entry(chip: hwsim.Chip) -> Entry:
    """Return the variables of a described chip, each with its tag and source."""
    options = (
        Option(
            one.path,
            one.value,
            " ".join(filter(None, (one.meaning, one.tag, one.source and f"[{one.source}]"))),
        )
        for one in chip.variables()
    )
    return Entry(chip.citation, tuple(options))


def _defaults(spec: type[BaseModel], prefix: str) -> Iterator[Option]:
    for name, field in spec.model_fields.items():
        if name == "kind":
            continue
        default = field.get_default(call_default_factory=True, validated_data={})
        if isinstance(default, BaseModel):
            yield from _values(default, f"{prefix}{name}.", skip=())
        else:
            value = "required" if default is PydanticUndefined else to_jsonable_python(default)
            yield Option(f"{prefix}{name}", value, " ".join((field.description or "").split()))


def _values(model: BaseModel, prefix: str, skip: tuple[str, ...]) -> Iterator[Option]:
    for name, field in type(model).model_fields.items():
        if name in skip:
            continue
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _values(value, f"{prefix}{name}.", skip=())
        else:
            meaning = field.description or (_first_paragraph(type(model)) if name == "kind" else "")
            yield Option(f"{prefix}{name}", to_jsonable_python(value), " ".join(meaning.split()))


def _first_paragraph(spec: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(spec) or "").split("\n\n")[0].split())
