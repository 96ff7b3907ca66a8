"""HTML in which text is escaped unless it is marked as HTML already.

The only way to make `Html` here is `element`, which escapes every child that is plain text, and every
attribute.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Final, final


@final
class Html(str):
    """A string that is HTML, not text."""

    __slots__ = ()


_VOID: Final = frozenset({"meta", "br"})


def escaped(text: str) -> Html:
    """Return text as HTML that shows it; characters that HTML forbids become question marks."""
    visible = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
    return Html(html.escape(visible, quote=True))


def element(tag: str, attributes: Mapping[str, str], *children: str) -> Html:
    """Return one element; a child that is not `Html` is escaped.

    >>> element("p", {"class": "note"}, "a < b ", element("b", {}, "!"))
    '<p class="note">a &lt; b <b>!</b></p>'
    """
    written = "".join(f' {name}="{escaped(value)}"' for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{joined(children)}</{tag}>")


def joined(children: Iterable[str]) -> Html:
    """Return the children after one another."""
    return Html("".join(child if isinstance(child, Html) else escaped(child) for child in children))


def with_code(text: str) -> Html:
    """Return a sentence in which what stands between backticks is code.

    >>> with_code("breaks `tiles <= 4`")
    'breaks <code>tiles &lt;= 4</code>'
    """
    pieces = text.split("`")
    return joined(element("code", {}, piece) if i % 2 else piece for i, piece in enumerate(pieces))


def table(head: Iterable[str], rows: Iterable[Iterable[str]], numeric: Iterable[int]) -> Html:
    """Return a table that scrolls sideways where it is too wide; the columns `numeric` are right-aligned."""
    right = frozenset(numeric)

    def cells(tag: str, values: Iterable[str]) -> Html:
        return joined(
            element(tag, {"class": "number"} if i in right else {}, value) for i, value in enumerate(values)
        )

    body = joined(element("tr", {}, cells("td", row)) for row in rows)
    whole = element(
        "table", {}, element("thead", {}, element("tr", {}, cells("th", head))), element("tbody", {}, body)
    )
    return element("div", {"class": "scroll"}, whole)
