"""Times as configurations and reports have them: those of hwsim, which simulates them."""

from __future__ import annotations

from hwsim.durations import (
    DAY_S,
    HOUR_S,
    MONTH_S,
    SECOND_S,
    YEAR_S,
    duration,
    parse_duration,
    time_label,
)

__all__ = [
    "DAY_S",
    "HOUR_S",
    "MONTH_S",
    "SECOND_S",
    "YEAR_S",
    "duration",
    "parse_duration",
    "time_label",
]
