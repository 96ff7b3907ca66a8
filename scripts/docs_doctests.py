"""An extension of griffe for the documentation site: examples in docstrings become blocks of code."""

from __future__ import annotations

from typing import Any

import griffe


class Doctests(griffe.Extension):
    """Fences the examples of every docstring."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        """Fence those of an object that was just read."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Return a docstring with a fence around each example; one ends at an empty line or where its indent ends."""
    lines: list[str] = []
    indent: str | None = None
    for line in text.splitlines():
        before = line[: len(line) - len(line.lstrip())]
        if indent is not None and (not line.strip() or len(before) < len(indent)):
            lines.append(f"{indent}```")
            indent = None
        if indent is None and line.lstrip().startswith(">>> "):
            indent = before
            lines.append(f"{indent}```pycon")
        lines.append(line)
    if indent is not None:
        lines.append(f"{indent}```")
    return "\n".join(lines)
