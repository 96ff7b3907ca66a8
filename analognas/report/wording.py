"""How figures and architectures read in a report: names, units, and the number of digits that means something."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from analognas.metrics import TABLE
from hwsim.text_table import significant

_ARCHITECTURE_LIMIT: Final = 400


def label(metric: str) -> str:
    """Return how a metric is called; an unknown one keeps its name."""
    return TABLE[metric].label if metric in TABLE else metric


def capitalised(text: str) -> str:
    """Return text with a capital first letter and the rest as it is."""
    return text[:1].upper() + text[1:]


def scale(metric: str) -> tuple[float, str]:
    """Return the factor and the unit that a metric is shown with."""
    if metric not in TABLE:
        return 1.0, ""
    return (100.0 if TABLE[metric].is_share else 1.0), TABLE[metric].unit


def axis_title(metric: str) -> str:
    """Return the title of an axis that shows a metric."""
    unit = scale(metric)[1]
    name = capitalised(label(metric))
    return f"{name} ({unit})" if unit else name


def amount(metric: str, value: float | None) -> str:
    """Return a value with its unit, an en dash where there is none.

    >>> amount("accuracy_1d", 0.97222), amount("avm", 0.0042), amount("parameters", 65432.0)
    ('97.22 %', '0.42 points', '65,432')
    >>> amount("energy_uj", 722.557)
    '722.6 µJ'
    """
    if value is None or not math.isfinite(value):
        return "–"
    factor, unit = scale(metric)
    if factor != 1:
        return f"{value * factor:.2f} {unit}"
    if unit:
        return f"{significant(value)} {unit}"
    return f"{value:,.0f}" if float(value).is_integer() else significant(value)


def broken_bound(name: str, bound: float, value: float) -> str:
    """Return a bound and the value that breaks it.

    >>> broken_bound("parameters", 40_000.0, 78_186.0), broken_bound("avm", 0.05, 0.1)
    ('`parameters <= 40,000` (78,186)', '`avm <= 0.05` (0.1)')
    """
    relation = TABLE[name].relation
    if bound < 1 or scale(name)[1]:
        return f"`{name} {relation} {bound:,.10g}` ({value:,.4g})"
    return f"`{name} {relation} {bound:,.0f}` ({value:,.0f})"


def accuracy_with_spread(accuracy: float | None, spread: float | None) -> str:
    """Return such as `97.22 ± 0.31 %`."""
    if accuracy is None or not math.isfinite(accuracy):
        return "–"
    if spread is None or not math.isfinite(spread):
        return f"{100 * accuracy:.2f} %"
    return f"{100 * accuracy:.2f} ± {100 * spread:.2f} %"


def architecture_text(architecture: Mapping[str, Any]) -> str:
    """Return an architecture on one line, in the symbols it came with.

    >>> architecture_text({"OC0": 16, "blocks": [{"R": 2, "skip": False}, {"R": 1, "skip": True}]})
    'OC0=16 | R=2 skip=no | R=1 skip'
    >>> architecture_text({"entry": {"width": 32, "stride": 2}, "blocks": [{"type": "gru", "hidden": 64}]})
    'entry width=32 stride=2 | type=gru hidden=64'
    """
    parts: list[str] = [""]
    for name, value in architecture.items():
        if isinstance(value, Mapping):
            parts.append(" ".join((name, *(_pair(key, inner) for key, inner in value.items()))))
        elif isinstance(value, list | tuple) and value and all(isinstance(entry, Mapping) for entry in value):
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
