"""Axes: from values to pixels, and where the ticks are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_PAD: Final = 0.05
_FEWEST: Final = 3
"""Ticks that a logarithmic axis should have."""
_LEAST: Final = 2
"""Ticks that an axis has."""
_SI: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))


@dataclass(frozen=True)
class Axis:
    """One axis of a figure.

    Attributes:
        low: smallest value shown; its logarithm to base 10 on a logarithmic axis.
        high: largest value shown, likewise.
        start: pixel of `low`.
        end: pixel of `high`.
        logarithmic: whether `low` and `high` are logarithms.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def pixel(self, value: Any) -> float:
        """Return where a value lies; NaN for one that has no place, such as 0 on a logarithmic axis."""
        number = number_of(value)
        if self.logarithmic:
            number = math.log10(number) if number > 0 else math.nan
        return self.start + (number - self.low) / (self.high - self.low) * (self.end - self.start)

    def shows(self, value: float) -> bool:
        """Return whether a value is within the axis."""
        first, last = sorted((self.start, self.end))
        return first - 0.5 <= self.pixel(value) <= last + 0.5


def number_of(value: Any) -> float:
    """Return a value as a number, NaN for None."""
    return math.nan if value is None else float(value)


def span(values: Sequence[float], layout: Any) -> tuple[float, float]:
    """Return the range of an axis: the one asked for, else that of the values and a twentieth around."""
    logarithmic = layout.type == "log"
    if layout.range is not None:
        low, high = (float(end) for end in layout.range)
        return (low, high) if high != low else (low - 1, high + 1)
    if logarithmic:
        values = [math.log10(value) for value in values if value > 0]
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if layout.rangemode == "tozero" and not logarithmic:
        low, high = min(0.0, low), max(0.0, high)
        pad = _PAD * (high - low) or 0.5
        return (low - pad if low < 0 else low), (high + pad if high > 0 else high)
    pad = _PAD * (high - low) if high > low else 0.1 if logarithmic else max(0.05 * abs(high), 0.5)
    return low - pad, high + pad


def ticks(axis: Axis, layout: Any, most: int) -> list[tuple[float, str]]:
    """Return the values of the ticks with their texts, at most about `most`."""
    if layout.tickvals is not None:
        texts = layout.ticktext if layout.ticktext is not None else [shown(v) for v in layout.tickvals]
        return [
            (float(v), str(t)) for v, t in zip(layout.tickvals, texts, strict=True) if axis.shows(float(v))
        ]
    if axis.logarithmic:
        values = _of_decades(axis, most)
    elif layout.dtick is not None:
        values = _multiples(axis.low, axis.high, float(layout.dtick))
    else:
        values = _even(axis.low, axis.high, most)
    return [(value, shown(value, si=layout.tickformat == "~s")) for value in values]


def shown(value: float, *, si: bool = False) -> str:
    """Return the text of a tick.

    >>> shown(40000, si=True), shown(0.05), shown(12500)
    ('40k', '0.05', '12,500')
    """
    if si and value:
        factor, prefix = next(((f, p) for f, p in _SI if abs(value) >= f), _SI[-1])
        return f"{value / factor:.4g}{prefix}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


def _of_decades(axis: Axis, most: int) -> list[float]:
    """Return 1, 2 and 5 of each decade, or fewer of these where they would be too many."""
    decades = range(math.floor(axis.low) - 1, math.ceil(axis.high) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        values = [digit * 10.0**decade for decade in decades for digit in digits]
        values = [value for value in values if axis.shows(value)]
        if len(values) <= most:
            break
    if len(values) < _FEWEST:  # less than a decade: even steps
        return _even(10**axis.low, 10**axis.high, most)
    return values[:: math.ceil(len(values) / most) or 1]


def _even(low: float, high: float, most: int) -> list[float]:
    """Return multiples of a round step, at most about `most`; two at least, which an axis needs to have a scale.

    >>> _even(11, 19, 2)
    [12.0, 14.0, 16.0, 18.0]
    """
    values: list[float] = []
    for parts in (most, 2 * most, 4 * most, 8 * most):
        values = _multiples(low, high, _step((high - low) / max(1, parts)))
        if len(values) >= _LEAST:
            break
    return values


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(float(index * step), 12) for index in range(first, last + 1)]


def _step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least `least`."""
    if not math.isfinite(least) or least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
