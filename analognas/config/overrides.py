"""Values from the command line (`--set a.b=c`) on top of a document."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pydantic import BaseModel

from analognas.config.document import Document, KeyPath, parse_value
from analognas.config.translate import models_at
from analognas.errors import Argument
from analognas.specs.problems import ConfigError, Place, Problem, nearest


def apply_overrides(document: Document, assignments: Sequence[str], model: type[BaseModel]) -> None:
    """Set values of `document` in place, each from a text like `search.trials=60`.

    Another kind of a section, as `search.strategy.kind=random`, takes the file's keys along that it knows, and drops
    the others.

    Args:
        document: to change.
        assignments: the texts, in order.
        model: what the whole document is validated by.

    Raises:
        ConfigError: when a text is not an assignment, its value is not YAML, or its path leads through a value.
    """
    problems: list[Problem] = []
    for assignment in assignments:
        written = assignment if assignment.isprintable() else repr(assignment)
        place = Place.of(Argument("overrides", "set", written))
        name, equals, text = assignment.partition("=")
        path = tuple(name.strip().split("."))
        if not equals or not all(path):
            problems.append(Problem(place, "", "must read `path.to.key=value`"))
            continue
        try:
            value = parse_value(text)
        except ValueError as error:
            quoted = f"; a text is written as '{name.strip()}=\"{text}\"'" if '"' not in text else ""
            problems.append(Problem(place, name, f"the value {text!r} cannot be read: {error}{quoted}"))
            continue
        blocked = assign(document, path, value, place)
        if blocked is not None:
            problems.append(
                Problem(place, blocked, "is a value, not a section; nothing can be set inside it")
            )
        elif path[-1] == "kind":
            _drop_foreign_keys(document, path[:-1], model)
    if problems:
        raise ConfigError(problems)


def assign_seed(document: Document, seed: int, argument: str = "seed") -> None:
    """Set `seed` of `document` in place, as the user gave it by `argument`."""
    assign(document, ("seed",), seed, Place.of(Argument(argument, value=str(seed))))


def _drop_foreign_keys(document: Document, section: tuple[str, ...], model: type[BaseModel]) -> None:
    """Remove the keys that the file has in a section and the section's kind does not know."""
    values = document.values
    for key in section:
        values = values[key]
    known = {name for spec in models_at(model, section, document.values) for name in spec.model_fields}
    for key in list(values):
        from_file = document.key_place((*section, key)).source == document.source
        if from_file and known and key not in known:
            del values[key]


def choose_kind(
    document: Document, section: str, kind: str, known: Collection[str], model: type[BaseModel]
) -> None:
    """Set `section.kind` of `document` in place, and drop the keys that the new kind does not know.

    Args:
        document: to change.
        section: name of a section with kinds, such as `executor`.
        kind: the new one.
        known: the kinds that there are.
        model: what the whole document is validated by.

    Raises:
        ConfigError: when there is no such kind.
    """
    place = Place.of(Argument(section, value=kind))
    if kind not in known:
        raise ConfigError([Problem(place, "", f"unknown kind {kind!r}{nearest(kind, known)}")])
    if assign(document, (section, "kind"), kind, place) is None:
        _drop_foreign_keys(document, (section,), model)


def choose_strategy(
    document: Document, kind: str, source: str, strategies: Mapping[str, type[BaseModel]]
) -> None:
    """Set `search.strategy.kind` of `document` in place.

    Settings that are there stay where the document has this kind already. Else those that both kinds have are taken
    along; those that belong to another kind alone, and sections such as `surrogate`, are dropped.

    Args:
        document: to change.
        kind: the strategy.
        source: how the user named it, for errors.
        strategies: the specification of each kind.
    """
    search = document.values.get("search")
    strategy = search.get("strategy") if isinstance(search, dict) else None
    if isinstance(strategy, dict) and strategy.get("kind") != kind:
        known = {name for spec in strategies.values() for name in spec.model_fields}
        for key, value in list(strategy.items()):
            if key in known and (key not in strategies[kind].model_fields or isinstance(value, dict)):
                del strategy[key]
    assign(document, ("search", "strategy", "kind"), kind, Place(0, 0, source))


def assign(document: Document, path: tuple[str, ...], value: object, place: Place) -> str | None:
    """Set the value at `path` in place, sections around it included; return the value that is in the way, dotted."""
    section = document.values
    for depth, key in enumerate(path[:-1], start=1):
        child = section.setdefault(key, {})
        if not isinstance(child, dict):
            return ".".join(path[:depth])
        document.places.setdefault(path[:depth], place)
        document.keys.setdefault(path[:depth], place)
        section = child
    section[path[-1]] = value
    stale: list[KeyPath] = [known for known in document.places if known[: len(path)] == path]
    for known in stale:
        del document.places[known]
        document.keys.pop(known, None)
    document.places[path] = place
    document.keys[path] = place
    return None
