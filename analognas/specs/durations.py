"""Times as people say them."""

from __future__ import annotations

from typing import Final

_UNITS: Final = (
    ("year", 31_536_000.0),
    ("month", 2_592_000.0),
    ("day", 86_400.0),
    ("h", 3_600.0),
    ("min", 60.0),
    ("s", 1.0),
)


def duration(time_s: float) -> str:
    """Return a time in the largest unit that fits.

    >>> duration(86400), duration(315360000), duration(0.5)
    ('1 day', '10 years', '0.5 s')
    """
    for unit, length_s in _UNITS:
        if time_s >= length_s:
            count = time_s / length_s
            plural = "s" if unit in ("year", "month", "day") and count != 1 else ""
            return f"{count:.3g} {unit}{plural}"
    return f"{time_s:g} s"
