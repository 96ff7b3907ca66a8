"""Checks of what a caller gives: one line with the rule, the value and the remedy.

A value of the wrong type raises TypeError, one out of its range ValueError. Numbers of numpy count as numbers.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Final, SupportsFloat, TypeVar

import numpy as np

from hwsim.durations import parse_duration
from hwsim.near_name import near_name

Name = TypeVar("Name", bound=str)

_LONGEST: Final = 60
"""Characters of a value that a message shows; of longer ones it names the type."""


def shown(value: object) -> str:
    """Return `value` for a message: itself where it is short, else its type."""
    if isinstance(value, str | numbers.Number | None) and len(repr(value)) <= _LONGEST:
        return repr(value)
    return value.__name__ + " itself" if isinstance(value, type) else type(value).__name__


def require(value: object, kind: type | tuple[type, ...], rule: str, remedy: str = "") -> None:
    """Raise TypeError unless `value` is of a type in `kind`; `rule` ends before the word "got"."""
    if not isinstance(value, kind):
        raise TypeError(f"{rule}, got {shown(value)}{remedy and f': {remedy}'}")


def whole(name: str, value: object, *, least: int | None = None, most: int | None = None) -> int:
    """Return a whole number.

    Raises:
        TypeError: for anything else, True and False included.
        ValueError: below `least` or above `most`.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"`{name}` must be a whole number, got {shown(value)}")
    found = int(value)
    _within(name, found, least, most)
    return found


def number(
    name: str,
    value: object,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    remedy: str = "",
) -> float:
    """Return a finite number.

    Raises:
        TypeError: for anything else, True and False included.
        ValueError: not above `above`, below `least`, above `most`, NaN, or infinite.
    """
    remedy = remedy and f": {remedy}"
    try:
        if isinstance(value, bool) or not isinstance(value, SupportsFloat):
            raise TypeError
        found = float(value)
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: a tensor of many numbers
        raise TypeError(f"`{name}` must be a number, got {shown(value)}{remedy}") from None
    if above is not None and not found > above:
        raise ValueError(f"`{name} > {above:g}` must hold, got {shown(value)}{remedy}")
    _within(name, found, least, most, remedy)
    if not math.isfinite(found):
        raise ValueError(f"`{name}` must be finite, got {shown(value)}{remedy}")
    return found


def in_float32(what: str, value: float, remedy: str = "") -> float:
    """Return a positive number that float32 holds.

    Raises:
        ValueError: for one that is 0 or infinite there.
    """
    held = np.finfo(np.float32)
    low, high = float(held.tiny), float(held.max)
    if not low <= value <= high:
        raise ValueError(
            f"{what} must be from {low:.3g} to {high:.3g}, as in float32, got {value:g}"
            f"{remedy and f': {remedy}'}"
        )
    return value


def seconds(name: str, value: object) -> float:
    """Return a time in seconds, from a number or a text such as `1 day`.

    Raises:
        TypeError: for anything else.
        ValueError: for a text that is no time, a negative text, NaN or infinity.
    """
    if isinstance(value, str):
        try:
            value = parse_duration(value)
        except ValueError as error:
            raise ValueError(f"`{name}` {error}") from None
    return number(name, value, remedy="times are seconds or texts, like 86_400 or `1 day`")


def times(values: object) -> list[float]:
    """Return times in seconds, from a sequence or a single one; each a number or a text such as `1 day`.

    Raises:
        TypeError: for anything else.
        ValueError: for no times, a text that is no time, NaN or infinity.
    """
    rows = _rows(values)
    if not rows:
        raise ValueError("`times_s` must have at least one time, got none")
    return [seconds("times_s", value) for value in rows]


def one_of(name: str, value: object, known: Iterable[Name]) -> Name:
    """Return a value that is one of some names.

    Raises:
        TypeError: for anything but a text.
        ValueError: for another name; the message lists the known ones and the nearest.
    """
    names = list(known)
    rule = f"`{name}` must be one of {', '.join(names)}"
    require(value, str, rule)
    for found in names:
        if found == value:
            return found
    raise ValueError(f"{rule}, got {shown(value)}{nearest(value, names)}")


def nearest(name: object, known: Iterable[str]) -> str:
    """Return `, did you mean ...?` for the known name that is most like `name`, or nothing."""
    near = near_name(str(name), known)
    return f", did you mean {near}?" if near else ""


def _rows(values: object) -> list[object]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        return [values]
    try:
        return list(values)
    except TypeError:  # an array or tensor without dimensions
        return [values]


def _within(name: str, value: float, least: float | None, most: float | None, remedy: str = "") -> None:
    if (least is not None and not value >= least) or (most is not None and not value <= most):
        low, high = ("" if least is None else f"{least} <= "), ("" if most is None else f" <= {most}")
        rule = f"{name} >= {least}" if most is None else f"{low}{name}{high}"
        raise ValueError(f"`{rule}` must hold, got {shown(value)}{remedy}")
