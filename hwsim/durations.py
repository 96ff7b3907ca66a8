"""Times: seconds since programming and lengths of work, as people write and read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

Time: TypeAlias = float | str
"""Seconds since programming, or a text such as `1 day`."""

Times: TypeAlias = Sequence[Time] | Time
"""Several times, or one."""

SECOND_S: Final = 1.0
HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0
MONTH_S: Final = 2_592_000.0
YEAR_S: Final = 31_536_000.0

_UNITS_S: Final = {
    "s": 1.0,
    "second": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "h": HOUR_S,
    "hour": HOUR_S,
    "d": DAY_S,
    "day": DAY_S,
    "week": 7 * DAY_S,
    "month": MONTH_S,
    "y": YEAR_S,
    "year": YEAR_S,
}
_DURATION: Final = re.compile(r"^\s*([-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)\s*([a-z]*)\s*$")

_LARGEST_FIRST: Final = (
    ("year", YEAR_S),
    ("month", MONTH_S),
    ("day", DAY_S),
    ("h", HOUR_S),
    ("min", 60.0),
    ("s", SECOND_S),
)


def parse_duration(value: Any) -> Any:
    """Return seconds for a text such as `1 day`; anything but text is left to the validator.

    Raises:
        ValueError: when the text is not a number with a known unit, or the number is negative.

    >>> parse_duration("1 month")
    2592000.0
    """
    if not isinstance(value, str):
        return value
    match = _DURATION.match(value)
    unit = "" if match is None else (match[2] or "s")
    factor = _UNITS_S.get(unit, _UNITS_S.get(unit.removesuffix("s")))
    if match is None or factor is None:
        raise ValueError(
            f"must be seconds or a text such as `1 day` (units: {', '.join(_UNITS_S)}), got {value!r}"
        )
    if float(match[1]) < 0:
        raise ValueError(f"must be at least 0 s, got {value!r}")
    return float(match[1]) * factor


def time_label(time_s: float) -> str:
    """Return a time since programming in the largest unit that it fills.

    >>> time_label(86400), time_label(315360000), time_label(0.5)
    ('1 day', '10 years', '0.5 s')
    """
    for unit, length_s in _LARGEST_FIRST:
        if time_s >= length_s:
            count = time_s / length_s
            plural = "s" if unit in ("year", "month", "day") and count != 1 else ""
            return f"{count:.3g} {unit}{plural}"
    return f"{time_s:g} s"


def duration(seconds: float) -> str:
    """Return a length of time for reading.

    >>> duration(3.14), duration(252.0), duration(7380.0)
    ('3.1 s', '4 min 12 s', '2 h 3 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"
