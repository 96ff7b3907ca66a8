"""Turns pydantic's validation errors into problems with a place, a rule, the value and a remedy."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from analognas.config.document import Document, KeyPath, dotted
from analognas.specs.base import MismatchError
from analognas.specs.given import OBJECT
from analognas.specs.problems import ConfigError, Problem, nearest

_BOUNDS = {
    "greater_than": (">", "gt"),
    "greater_than_equal": (">=", "ge"),
    "less_than": ("<", "lt"),
    "less_than_equal": ("<=", "le"),
}
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "a mapping",
    "mapping": "a mapping",
    "model": "a section (`key: value`)",
    "path": "a path",
}


def translate(error: ValidationError, model: type[BaseModel], document: Document) -> ConfigError:
    """Return the mistakes in `error`, each distinct one as a problem."""
    by_place: dict[tuple[Any, ...], list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        path = _path_in_document(details["loc"], document.values)
        by_place.setdefault((path, _expected(details) is None), []).append(details)
    problems = []
    for (_, is_other), found in by_place.items():
        groups = [[details] for details in found] if is_other else [found]
        problems += [_problem(group[0], model, document, group[1:]) for group in groups]
    return ConfigError(problems)


def _problem(
    details: ErrorDetails, model: type[BaseModel], document: Document, others: Sequence[ErrorDetails] = ()
) -> Problem:
    """Return a mistake; `others` say what else the value might be."""
    path = _path_in_document(details["loc"], document.values)
    kind = details["type"]
    if kind == "extra_forbidden":
        sections = models_at(model, path[:-1], document.values)
        message = _unknown_key(str(path[-1]), details["loc"][-2:-1], sections)
        return Problem(document.key_place(path), dotted(path), message)
    if kind == "missing" and isinstance(path[-1], int):
        message = f"has too few entries, got {_shown(details['input'])}"
        meaning = _description(model, path[:-1], document.values)
        return Problem(
            document.value_place(path[:-1]),
            dotted(path[:-1]),
            f"{message}; {meaning}" if meaning else message,
        )
    if kind == "missing":
        return Problem(document.key_place(path[:-1]), dotted(path), "this key is required")
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return _kind_problem(details, path, document, _kinds_at(model, path, document.values))
    mismatch = details.get("ctx", {}).get("error")
    if isinstance(mismatch, MismatchError):
        paths = [(*path, *inner) for inner in mismatch.paths]
        path = next((key for key in paths if key in document.places), paths[0])
    message = _message(details, others)
    if kind == "model_attributes_type" and details["input"] in _kinds_at(model, path, document.values):
        message = f"{message}; write `{{kind: {details['input']}}}`"
    field = path[:-1] if isinstance(path[-1], int) else path
    explained = kind in _BOUNDS or kind == "too_long" or kind.endswith("_type")
    meaning = _description(model, field, document.values) if explained else None
    return Problem(document.value_place(path), dotted(path), f"{message}; {meaning}" if meaning else message)


def _unknown_key(key: str, tag: tuple[int | str, ...], sections: list[type[BaseModel]]) -> str:
    """Return what to do about `key`; `tag` holds the kind of its section if a preset says it, not the file."""
    of_kind = [section for section in sections if tag and tag[0] in _kinds_of(section)]
    others = [kind for section in sections if key in section.model_fields for kind in _kinds_of(section)]
    if of_kind and others:
        return f"unknown key of kind {tag[0]}; it belongs to kind {', '.join(dict.fromkeys(others))}"
    return "unknown key" + nearest(
        key, {name for section in of_kind or sections for name in section.model_fields}
    )


def _description(model: type[BaseModel], path: KeyPath, values: Any) -> str | None:
    """Return what the field at `path` means: the remedy of a value out of bounds."""
    for section in models_at(model, path[:-1], values):
        field = section.model_fields.get(str(path[-1]))
        if field is not None:
            return field.description
    return None


def _kinds_at(model: type[BaseModel], path: KeyPath, values: Any) -> list[str]:
    kinds = [
        kind for section in models_at(model, path, values) for kind in _kinds_of(section) if kind != OBJECT
    ]
    return list(dict.fromkeys(kinds))  # two strategies may know the same surrogate


def _kinds_of(section: type[BaseModel]) -> tuple[Any, ...]:
    field = section.model_fields.get("kind")
    return () if field is None else get_args(field.annotation)


def _kind_problem(details: ErrorDetails, path: KeyPath, document: Document, known: list[str]) -> Problem:
    here = (*path, "kind")
    if details["type"] == "union_tag_not_found":
        return Problem(
            document.key_place(path), dotted(here), f"this key is required; known: {', '.join(known)}"
        )
    tag = str(details.get("ctx", {}).get("tag"))
    return Problem(document.value_place(here), dotted(here), f"unknown kind {tag!r}{nearest(tag, known)}")


def _expected(details: ErrorDetails) -> str | None:
    """Return what a value must be instead; None where the mistake is another one than its type."""
    kind = details["type"]
    if kind in ("literal_error", "enum"):
        return f"one of {details.get('ctx', {})['expected']}"
    name = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_attributes")
    return _TYPES.get(name) if kind.endswith(("_type", "_parsing")) else None


def _message(details: ErrorDetails, others: Sequence[ErrorDetails] = ()) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    shown = _shown(value)
    alternatives = [expected for one in (details, *others) if (expected := _expected(one)) is not None]
    if len(set(alternatives)) > 1:
        return f"must be {', or '.join(dict.fromkeys(alternatives))}, got {shown}"
    if kind in _BOUNDS:
        symbol, key = _BOUNDS[kind]
        return f"must be {symbol} {context[key]:.15g}, got {shown}"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("literal_error", "enum"):
        expected = str(context["expected"])
        choices = [choice.strip().strip("'") for choice in expected.replace(" or ", ", ").split(",")]
        return f"must be one of {expected}, got {shown}" + (
            suffix
            if isinstance(value, str) and (suffix := nearest(value, choices)).startswith(", did")
            else ""
        )
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}, got {shown}"
    if kind in ("too_short", "too_long"):
        limit = context.get("min_length", context.get("max_length"))
        bound = "at least" if kind == "too_short" else "at most"
        return f"must have {bound} {limit} entries, got {context['actual_length']}"
    if kind == "finite_number":
        return f"must be a finite number, got {shown}"
    if kind in ("int_from_float", "int_parsing_size"):
        return f"must be a whole number, got {shown}"
    if alternatives:
        return f"must be {alternatives[0]}, got {shown}"
    return f"{details['msg'][0].lower()}{details['msg'][1:]}, got {shown}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    text = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _path_in_document(loc: tuple[int | str, ...], values: Any) -> KeyPath:
    """Return `loc` without the union tags that pydantic puts between the keys."""
    path: list[str | int] = []
    here = values
    for index, part in enumerate(loc):
        is_tag = isinstance(here, Mapping) and part not in here and part == here.get("kind")
        inside = not is_tag and _holds(here, part)
        last = index == len(loc) - 1 and isinstance(here, Mapping | list)
        if not is_tag and (inside or last):
            path.append(part)
        if inside:
            here = here[part]
    return tuple(path)


def _holds(values: Any, part: str | int) -> bool:
    if isinstance(values, Mapping):
        return part in values
    return isinstance(values, list) and isinstance(part, int) and part < len(values)


def models_at(model: type[BaseModel], path: KeyPath, values: Any) -> list[type[BaseModel]]:
    """Return the models that may describe the section at `path` of `values`, narrowed by its `kind`."""
    models = [model]
    here = values
    for part in path:
        here = here[part] if _holds(here, part) else None
        if isinstance(part, int):
            continue
        models = [
            child
            for parent in models
            if part in parent.model_fields
            for child in _models_in(parent.model_fields[part].annotation)
        ]
    kind = here.get("kind") if isinstance(here, Mapping) else None
    narrowed = [
        candidate
        for candidate in models
        if kind is not None
        and "kind" in candidate.model_fields
        and kind in get_args(candidate.model_fields["kind"].annotation)
    ]
    return narrowed or models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType, Annotated, tuple, list, dict):
        for argument in get_args(annotation):
            yield from _models_in(argument)
