"""What differs between two configurations as plain values: a line for each key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

MEASUREMENT: Final = ("hardware", "training", "evaluation")
"""The sections that the figures of a trial depend on, besides the data."""

_ABSENT: Final = object()
_LONGEST: Final = 60


def differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each key whose value differs; of a section of another kind the kind alone.

    >>> list(differences({"search": {"trials": 2, "batch": 1}}, {"search": {"trials": 3, "batch": 1}}))
    ['search.trials: 2 in the run, now 3']
    """
    if before == now:
        return
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = list({**before, **now})
        if before.get("kind") != now.get("kind"):
            keys = ["kind"]
        for key in keys:
            inner = f"{path}.{key}" if path else key
            yield from differences(before.get(key, _ABSENT), now.get(key, _ABSENT), inner)
        return
    yield f"{path}: {_shown(before)} in the run, now {_shown(now)}"


def known_to(before: Any, now: Any) -> Any:
    """Return `now` without the keys that `before` does not have: a later version may know more of them."""
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return now
    return {key: known_to(before[key], value) for key, value in now.items() if key in before}


def _shown(value: Any) -> str:
    """Return a value as YAML has it, or what it is where it is long."""
    if value is _ABSENT:
        return "not given"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= _LONGEST:
        return text
    kind = "a section" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a text"
    return f"{kind} of {len(value)} {'characters' if isinstance(value, str) else 'entries'}"
