"""Strict reading of a record; the first mistake becomes one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pydantic import ValidationError

STRICT: Final[ConfigDict] = {"strict": True, "extra": "forbid", "allow_inf_nan": False}
"""No text for a number, no key that we do not know, no NaN."""


class Described(BaseModel):
    """A part of a file of which we read some keys, of just these types; there may be others."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class OfKind(Described):
    """A section of which we read its kind."""

    kind: str


def first_problem(error: ValidationError) -> str:
    """Return the first thing that is wrong: its place, empty for the whole, and the rule."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    what = "unknown key" if first["type"] == "unexpected_keyword_argument" else first["msg"]
    what = what.removeprefix("Value error, ")
    if first["type"].startswith(("greater", "less", "too_")):
        what = f"{what}, got {first['input']!r:.60}"
    return f"{place}: {what}" if place else what
