"""From Python values and objects to a document: what a YAML file says, and what no file can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Final

import numpy as np
from pydantic import BaseModel

import hwsim
from analognas.config.document import Document, KeyPath, dotted, read_document
from analognas.config.merged import merged
from analognas.config.overrides import apply_overrides, assign, choose_kind
from analognas.config.sections import SearchConfig
from analognas.errors import UserError
from analognas.executors.specs import BUILT_IN as EXECUTORS
from analognas.specs.given import PARTS, GivenObject
from analognas.specs.problems import ConfigError, Place, Problem, nearest
from analognas.tasks.from_arrays import task_from_arrays
from analognas.tasks.task import Task

DEEPEST: Final = 50
"""Levels of a mapping: one that holds itself has no end."""

_DEFAULT_STRATEGY: Final = "surrogate-guided"


def document_from(
    config: str | Path | Mapping[str, Any] | None,
    sections: Mapping[str, Any],
    overrides: Sequence[str] = (),
) -> tuple[Document, Path]:
    """Return a configuration as a document, and the folder where its relative paths start.

    Args:
        config: a YAML file, the same content as a mapping, or None for defaults.
        sections: laid over it by name: values as in a mapping, `None` where nothing was given, and the objects that
            `strategy` and `surrogate` name besides the sections.
        overrides: texts like `search.trials=60`, applied at the end.

    Raises:
        UserError: for a file that cannot be read, a section that there is not, or a value that no section takes.
    """
    if isinstance(overrides, str) or not all(isinstance(change, str) for change in overrides):
        raise UserError(
            f"`overrides` must be a list of texts such as ['search.trials=60'], got {overrides!r:.80}"
        )
    if config is None or isinstance(config, Mapping):
        document, folder = Document("config", _plain(config or {}, (), "config")), Path()
    elif isinstance(config, str | Path):
        document, folder = read_document(Path(config)), Path(config).parent
    else:
        raise UserError(f"`config` must be a YAML file or a mapping, got {type(config).__name__}")
    for name, value in sections.items():
        if name == "executor" and isinstance(value, str):
            choose_kind(document, name, value, EXECUTORS, SearchConfig)
        elif value is not None:
            _lay_over(document, name, value)
    apply_overrides(document, overrides, SearchConfig)
    return document, folder


def given_objects(arguments: Mapping[str, Any]) -> dict[str, GivenObject]:
    """Return objects by argument, as a run keeps them: `task`, `space`, `strategy` and `surrogate`; None is left out.

    Raises:
        UserError: for another argument, or an object that is none of its kind.
    """
    sections = {part.argument: _OBJECTS[part.path] for part in PARTS}
    found = {}
    for name, value in arguments.items():
        if name not in sections:
            raise UserError(f"there is no argument `{name}`{nearest(name, sections)}")
        if value is None:
            continue
        section = sections[name](value)
        given = section.get("object") if isinstance(section, Mapping) else None
        if not isinstance(given, GivenObject):
            raise UserError(f"`{name}` must be the object that the run began with, got {value!r:.60}")
        found[name] = given
    return found


def strategy_section(value: Any) -> Any:
    """Return the section of a strategy: of its name, of a mapping or specification, of an object with `ask`."""
    return _plain(value, ("search", "strategy"), "strategies")


def _lay_over(document: Document, name: str, value: Any) -> None:
    path = _PATHS.get(name, (name,))
    if len(path) == 1 and name not in SearchConfig.model_fields:
        known = [*SearchConfig.model_fields, *_PATHS]
        raise UserError(f"there is no section or argument `{name}`{nearest(name, known)}")
    section = _plain(value, path, name)
    if name == "surrogate" and _at(document, path[:-1]) is None:
        section, path = {"kind": _DEFAULT_STRATEGY, name: section}, path[:-1]
    section = merged(_at(document, path), section)
    place = Place(0, 0, "")  # its key says where it is
    blocked = assign(document, path, section, place)
    if blocked is not None:
        raise ConfigError(
            [Problem(place, blocked, "is a value, not a section; nothing can be set inside it")]
        )


def _at(document: Document, path: KeyPath) -> Any:
    found: Any = document.values
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _plain(value: Any, path: KeyPath, argument: str) -> Any:
    """Return a value as a YAML file would give it; an object where a section may be one."""
    section = _OBJECTS.get(path)
    if section is not None:
        value = section(value)
    if isinstance(value, GivenObject) or value is None:
        return value
    if len(path) > DEEPEST:
        raise UserError(f"`{argument}` must not hold itself, nor be nested that deeply")
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            wrong = next(key for key in value if not isinstance(key, str))
            raise UserError(f"{dotted(path) or argument}: keys must be texts, got {wrong!r:.60}")
        return {key: _plain(inner, (*path, key), argument) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, (*path, index), argument) for index, inner in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, str | bool | int | float):
        return value
    raise UserError(
        f"{dotted(path) or argument}: must hold numbers, texts, lists and mappings, as a YAML file does; "
        f"got {value!r:.60}"
    )


def _kind_or(value: Any, family: str, wanted: str, methods: Sequence[str]) -> Any:
    """Return a section: of a name, of a mapping or specification as it is, of an object with all of `methods`."""
    if isinstance(value, str):
        return {"kind": value}
    if value is None or isinstance(value, Mapping | BaseModel):
        return value
    if isinstance(value, type):
        raise UserError(
            f"`{family}` must be an object, got the class {value.__qualname__}: pass {value.__qualname__}(…)"
        )
    missing = [method for method in methods if not callable(getattr(value, method, None))]
    if missing:
        raise UserError(
            f"`{family}` must be {wanted}, got {type(value).__qualname__}, which has no method "
            f"{', '.join(f'`{method}`' for method in missing)}"
        )
    return {"kind": "object", "object": GivenObject.of(value)}


def _task(value: Any) -> Any:
    if isinstance(value, Task):
        return {"kind": "object", "object": GivenObject.of(value)}
    if isinstance(value, tuple | list) or (isinstance(value, Mapping) and set(value) & {"x", "x_train"}):
        return {"kind": "object", "object": GivenObject.of(task_from_arrays(value))}
    if value is None or isinstance(value, str | Mapping | BaseModel):
        return {"kind": value} if isinstance(value, str) else value
    raise UserError(
        "`task` must be a section, an analognas.tasks.Task, arrays (x, y) or (x_train, y_train, x_test, y_test), got "
        f"{type(value).__qualname__}"
    )


def _space(value: Any) -> Any:
    return _kind_or(value, "space", "a search space", ("sample", "mutate", "encode", "build"))


def _strategy(value: Any) -> Any:
    return _kind_or(value, "strategy", "a strategy", ("ask",))


def _surrogate(value: Any) -> Any:
    return _kind_or(value, "surrogate", "a surrogate", ("fit",))


def _hardware(value: Any) -> Any:
    if value is None or isinstance(value, str | Mapping | hwsim.Hardware):
        return value
    raise UserError(
        f"`hardware` must be a section, the name of a preset or hwsim.Hardware, got {type(value).__qualname__}"
    )


def _executor(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "strategy": ("search", "strategy"),
    "surrogate": ("search", "strategy", "surrogate"),
}
"""Where the arguments belong that are no section of their own."""

_OBJECTS: Final[Mapping[KeyPath, Callable[[Any], Any]]] = {
    ("task",): _task,
    ("space",): _space,
    ("search", "strategy"): _strategy,
    ("search", "strategy", "surrogate"): _surrogate,
    ("hardware",): _hardware,
    ("executor",): _executor,
}
"""The sections that may be objects, or a name."""
