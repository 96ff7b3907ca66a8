"""Reading architectures that people may have written: each value checked, each error with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def mapping(value: object, keys: tuple[str, ...], place: str) -> Mapping[str, Any]:
    """Return `value`, a mapping with exactly these keys.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{place} must be a mapping with the keys {', '.join(keys)}, got {value!r:.80}")
    check_keys(value, keys, place)
    return value


def check_keys(mapping: Mapping[str, Any], keys: tuple[str, ...], place: str) -> None:
    """Raise a `ValueError` unless `mapping` has exactly these keys."""
    missing = [key for key in keys if key not in mapping]
    unknown = [str(key) for key in mapping if key not in keys]
    if missing or unknown:
        found = "; ".join(
            f"{what} {', '.join(which)}"
            for what, which in (("missing", missing), ("unknown", unknown))
            if which
        )
        raise ValueError(f"{place} must have exactly the keys {', '.join(keys)}: {found}")


def steps_of(value: object, bounds: tuple[int, int], step: int, place: str) -> int:
    """Return a width in steps.

    Raises:
        ValueError: unless it is a multiple of the step within the bounds.
    """
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or value not in range(bounds[0], bounds[1] + 1, step)
    ):
        raise ValueError(
            f"`{place}` must be a multiple of {step} from {bounds[0]} to {bounds[1]}, got {value!r:.40}"
        )
    return value // step


def choice(value: object, choices: Sequence[object], place: str) -> int:
    """Return the place of `value` among choices.

    Raises:
        ValueError: when it is none of them.
    """
    if isinstance(value, bool) or value not in choices:
        known = ", ".join(str(list(choice) if isinstance(choice, tuple) else choice) for choice in choices)
        shown = list(value) if isinstance(value, tuple) else value
        raise ValueError(f"`{place}` must be one of {known}, got {shown!r:.40}")
    return choices.index(value)
