"""Reads a YAML file into plain values and remembers where each of them stands.

YAML 1.1 as PyYAML reads it has traps that this reader closes: the last of two equal keys wins silently, `1e-3` is
text, `on` and `no` are booleans, tags can ask for objects and aliases can grow without bound. Here equal keys, tags
and aliases are errors, numbers may have an exponent without a dot, and only `true` and `false` are booleans.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from analognas.errors import UserError
from analognas.specs.problems import ConfigError, Place, Problem

KeyPath = tuple[str | int, ...]

PLAIN_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null")
)


@dataclass
class Document:
    """Plain values and their places.

    Attributes:
        source: the file's name as the user gave it.
        values: the content.
        keys: place of the key of each entry, by path.
        places: place of each value, by path.
    """

    source: str
    values: dict[str, Any]
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def value_place(self, path: KeyPath) -> Place:
        """Return where the value at `path` stands, or the nearest one around it that exists."""
        return self._nearest(self.places, path)

    def key_place(self, path: KeyPath) -> Place:
        """Return where the key at `path` stands, or the nearest value around it."""
        return self.keys.get(path) or self._nearest(self.places, path)

    def _nearest(self, places: dict[KeyPath, Place], path: KeyPath) -> Place:
        for length in range(len(path), -1, -1):
            if path[:length] in places:
                return places[path[:length]]
        return Place(0, 0, self.source)


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's booleans and floats, and without aliases."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {  # noqa: RUF012  # PyYAML's own name
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if not tag.endswith((":bool", ":float", ":int", ":timestamp", ":merge", ":value"))
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node, refusing aliases."""
        if self.check_event(yaml.events.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it open
            raise yaml.composer.ComposerError(
                None, None, "aliases (`*name`) are not allowed; write the value out", event.start_mark
            )
        return super().compose_node(parent, index)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9][0-9_]*$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.inf|\.nan)$"),
    list("-+.0123456789"),
)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value.replace("_", "")))


START_FROM: Final = "`analognas init` writes one to start from"
"""What helps against a configuration that is missing, empty or not YAML."""


def read_document(path: Path, remedy: str = START_FROM) -> Document:
    """Read a YAML file whose top level is a mapping.

    Args:
        path: the file.
        remedy: what helps where it is missing, empty or not YAML.

    Raises:
        UserError: when the file is missing, a directory, unreadable, or not text.
        ConfigError: when it is not YAML, empty, not a mapping, or has equal keys, tags or aliases.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {remedy}") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a directory, expected a YAML file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file (UTF-8), expected YAML; {remedy}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_document(text, str(path), remedy)


def parse_document(text: str, source: str, remedy: str = START_FROM) -> Document:
    """Parse YAML text; `source` names it in errors, `remedy` helps against one that is empty or not YAML.

    Raises:
        ConfigError: as `read_document`.
    """
    node = _compose(text, source, remedy)
    if node is None:
        raise ConfigError([Problem(Place(1, 1, source), "", f"the file is empty; {remedy}")])
    if not isinstance(node, yaml.MappingNode):
        kind = "list" if isinstance(node, yaml.SequenceNode) else "single value"
        raise ConfigError(
            [
                Problem(
                    _place(node, source),
                    "",
                    f"must be a mapping of sections (`task: …`), got a {kind}; {remedy}",
                )
            ]
        )
    document = Document(source=source, values={})
    problems: list[Problem] = []
    document.values = _plain(node, (), document, problems)
    if problems:
        raise ConfigError(problems)
    return document


def parse_value(text: str) -> Any:
    """Parse one YAML value, as given on a command line.

    Raises:
        ValueError: when it is not YAML.
    """
    problems: list[Problem] = []
    try:
        node = _compose(text, "value")
        value = None if node is None else _plain(node, (), Document("value", {}), problems)
    except ConfigError as error:
        problems = list(error.problems)
    if problems:
        raise ValueError(problems[0].message)
    return value


def _compose(text: str, source: str, remedy: str = "") -> yaml.Node | None:
    end = f"; {remedy}" if remedy else ""
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1, source) if mark else Place(0, 0, source)
        raise ConfigError([Problem(place, "", f"not YAML: {error.problem or error.context}{end}")]) from None
    except yaml.YAMLError as error:
        raise ConfigError(
            [Problem(Place(0, 0, source), "", f"not YAML text: {str(error).splitlines()[0]}{end}")]
        ) from None


def _place(node: yaml.Node, source: str) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1, source)


def _plain(node: yaml.Node, path: KeyPath, document: Document, problems: list[Problem]) -> Any:
    place = _place(node, document.source)
    document.places[path] = place
    if node.tag not in PLAIN_TAGS:
        problems.append(Problem(place, dotted(path), f"the tag {node.tag!r} is not allowed; remove it"))
        return None
    if isinstance(node, yaml.MappingNode):
        return _plain_mapping(node, path, document, problems)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, index), document, problems) for index, child in enumerate(node.value)]
    try:
        return _Loader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        message = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error)
        problems.append(Problem(place, dotted(path), f"not a plain value: {message}; quote the text"))
        return None


def _plain_mapping(
    node: yaml.MappingNode, path: KeyPath, document: Document, problems: list[Problem]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = _place(key_node, document.source)
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(Problem(place, dotted(path), "a key must be a plain word"))
            continue
        key = key_node.value
        here = (*path, key)
        if key in values:
            first = document.keys[here]
            problems.append(
                Problem(
                    place,
                    dotted(here),
                    f"this key was given before, at line {first.line}; remove one of the two",
                )
            )
            continue
        document.keys[here] = place
        values[key] = _plain(value_node, here, document, problems)
    return values


def dotted(path: KeyPath) -> str:
    """Return a path as people write it, on one line.

    >>> dotted(("task", "input_shape", 0))
    'task.input_shape[0]'
    """
    text = ""
    for part in path:
        shown = part if isinstance(part, int) or part.isprintable() else repr(part)
        text += f"[{shown}]" if isinstance(part, int) else f".{shown}" if text else str(shown)
    return text
