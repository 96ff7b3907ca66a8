"""How a record is read that a stranger may have made: strictly, and no more of it than a record can be.

Pydantic keeps an account of every wrong value, a hundred times as large as the value: text of millions of them would
fill the memory.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import ConfigDict, ValidationError

STRICT: Final[ConfigDict] = {"strict": True, "extra": "forbid", "allow_inf_nan": False}
"""No text for a number, no key that we do not know, no NaN."""


def bounded_json(value: object, limit: int) -> str:
    """Return a value that was read from JSON as JSON again, of at most `limit` characters.

    Raises:
        ValueError: when it is longer.
    """
    text = json.dumps(value)
    if len(text) > limit:
        raise ValueError(f"more than the {limit} characters that it can have")
    return text


def first_problem(error: ValidationError) -> str:
    """Return the first thing that is wrong: its place, empty for the whole, and the rule."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    what = "unknown key" if first["type"] == "unexpected_keyword_argument" else first["msg"]
    return f"{place}: {what}" if place else what
