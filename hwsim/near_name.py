"""Which known name somebody may have meant: a slip of the keyboard or part of a name, and no other word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_ALIKE: Final = 0.7
"""Share of letters in the same order from which two names differ by a slip; `colour` and `column` have 0.67."""

_ALIKE_AT_ALL: Final = 0.6
_SHORT: Final = 3
"""Letters of a name so short that one slip leaves fewer of them in order."""


def near_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is nearest to `name`; None where none is near.

    >>> near_name("colums", ["rows", "columns"]), near_name("hermes", ["aon-cim", "hermes-64core"])
    ('columns', 'hermes-64core')
    >>> near_name("colour", ["rows", "columns"])
    """
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=_ALIKE_AT_ALL)
    return next((other for other in near if _is_near(name, other)), None)


def _is_near(name: str, other: str) -> bool:
    alike = difflib.SequenceMatcher(None, other, name).ratio() >= _ALIKE
    return alike or name in other or other in name or max(len(name), len(other)) <= _SHORT
