"""A section with changes laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(before: Any, change: Any) -> Any:
    """Return `change` laid over `before`: key by key where both are sections of one kind, else as it is.

    >>> merged({"kind": "pcm", "g_max_us": 25, "drift_scale": 1}, {"drift_scale": 2})
    {'kind': 'pcm', 'g_max_us': 25, 'drift_scale': 2}
    >>> merged({"kind": "pcm", "g_max_us": 25}, {"kind": "hermes"})
    {'kind': 'hermes'}
    """
    if not isinstance(before, Mapping) or not isinstance(change, Mapping):
        return change
    if change.get("kind") not in (None, before.get("kind")):
        return change
    return {**before, **{key: merged(before.get(key), value) for key, value in change.items()}}
