"""How figures and architectures read in a report: names, units, and the number of digits that means something."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from analognas.record.trial import DAY_S, HOUR_S, MONTH_S, SECOND_S, YEAR_S

LABELS: Final[Mapping[str, str]] = {
    "accuracy_1d": "1-day accuracy",
    "std_1d": "spread over chips",
    "avm": "AVM",
    "accuracy_1s": "1-second accuracy",
    "digital_accuracy": "digital accuracy",
    "parameters": "parameters",
    "macs": "MACs",
    "tiles": "tiles",
    "utilisation": "tile utilisation",
}

TIMES: Final[Mapping[float, str]] = {
    SECOND_S: "1 s",
    HOUR_S: "1 h",
    DAY_S: "1 day",
    MONTH_S: "1 month",
    YEAR_S: "1 year",
}

_PERCENT: Final = ("accuracy_1d", "accuracy_1s", "digital_accuracy", "utilisation")
_POINTS: Final = ("std_1d", "avm")
_ARCHITECTURE_LIMIT: Final = 400


def label(metric: str) -> str:
    """Return how a metric is called; an unknown one keeps its name."""
    return LABELS.get(metric, metric)


def capitalised(text: str) -> str:
    """Return text with a capital first letter and the rest as it is."""
    return text[:1].upper() + text[1:]


def scale(metric: str) -> tuple[float, str]:
    """Return the factor and the unit that a metric is shown with."""
    if metric in _PERCENT:
        return 100.0, "%"
    if metric in _POINTS:
        return 100.0, "points"
    return 1.0, ""


def axis_title(metric: str) -> str:
    """Return the title of an axis that shows a metric."""
    unit = scale(metric)[1]
    name = capitalised(label(metric))
    return f"{name} ({unit})" if unit else name


def amount(metric: str, value: float | None) -> str:
    """Return a value with its unit, an en dash where there is none.

    >>> amount("accuracy_1d", 0.97222), amount("avm", 0.0042), amount("parameters", 65432.0)
    ('97.22 %', '0.42 points', '65,432')
    """
    if value is None or not math.isfinite(value):
        return "–"
    factor, unit = scale(metric)
    if unit:
        return f"{value * factor:.2f} {unit}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def broken_bound(name: str, bound: float, value: float) -> str:
    """Return a bound and the value that breaks it.

    >>> broken_bound("parameters", 40_000.0, 78_186.0), broken_bound("avm", 0.05, 0.1)
    ('`parameters <= 40,000` (78,186)', '`avm <= 0.05` (0.1)')
    """
    if bound < 1:
        return f"`{name} <= {bound:,.10g}` ({value:,.4g})"
    return f"`{name} <= {bound:,.0f}` ({value:,.0f})"


def accuracy_with_spread(accuracy: float | None, spread: float | None) -> str:
    """Return such as `97.22 ± 0.31 %`."""
    if accuracy is None or not math.isfinite(accuracy):
        return "–"
    if spread is None or not math.isfinite(spread):
        return f"{100 * accuracy:.2f} %"
    return f"{100 * accuracy:.2f} ± {100 * spread:.2f} %"


def time_label(time_s: float) -> str:
    """Return a time since programming in the largest unit it fills.

    >>> time_label(86400.0), time_label(60.0), time_label(20.0)
    ('1 day', '1 min', '20 s')
    """
    if time_s in TIMES:
        return TIMES[time_s]
    for unit_s, unit in ((YEAR_S, "years"), (DAY_S, "days"), (HOUR_S, "h"), (60.0, "min")):
        if time_s >= unit_s:
            return f"{time_s / unit_s:.3g} {unit}"
    return f"{time_s:.3g} s"


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


def architecture_text(architecture: Mapping[str, Any]) -> str:
    """Return an architecture on one line, in the symbols it came with.

    >>> architecture_text({"OC0": 16, "blocks": [{"R": 2, "skip": False}, {"R": 1, "skip": True}]})
    'OC0=16 | R=2 skip=no | R=1 skip'
    """
    parts: list[str] = [""]
    for name, value in architecture.items():
        if isinstance(value, list | tuple) and value and all(isinstance(entry, Mapping) for entry in value):
            parts += [" ".join(_pair(key, inner) for key, inner in entry.items()) for entry in value]
        else:
            parts[0] = f"{parts[0]} {_pair(name, value)}".strip()
    text = " | ".join(part for part in parts if part)
    return text if len(text) <= _ARCHITECTURE_LIMIT else f"{text[:_ARCHITECTURE_LIMIT]} …"


def _pair(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else f"{name}=no"
    if isinstance(value, list | tuple):
        return f"{name}={','.join(str(entry) for entry in value)}"
    return f"{name}={value}"
