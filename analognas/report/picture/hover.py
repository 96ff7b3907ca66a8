"""What a point says: the hover templates of plotly, filled in."""

from __future__ import annotations

import html
import re
from typing import Any, Final

from analognas.report.picture.axis import number_of

_FIELD: Final = re.compile(r"%\{(x|y|text|customdata)(?:\[(\d+)\])?(?::([^}]*))?\}")
_EXTRA: Final = re.compile(r"<extra>(.*?)</extra>", re.DOTALL)


def hover_text(trace: Any, index: int) -> str:
    """Return the plain text of a point of a trace; empty where it says nothing."""
    template = trace.hovertemplate
    if not isinstance(template, str) or trace.hoverinfo == "skip":
        return ""
    extra = "".join(_EXTRA.findall(template))
    text = _EXTRA.sub("", template)
    if extra:
        text = f"{text} ({extra})"
    filled = _FIELD.sub(lambda field: _value(trace, index, *field.groups()), text)
    return plain_text(filled)


def plain_text(text: str) -> str:
    """Return a label of plotly, which may have line breaks and escaped characters, as text."""
    return html.unescape(text.replace("<br>", ", "))


def _value(trace: Any, index: int, name: str, place: str | None, form: str | None) -> str:
    values = getattr(trace, name)
    value = values if isinstance(values, str) else values[index]
    if place is not None:
        value = value[int(place)]
    if not form:
        return str(value)
    return format(number_of(value), form)
