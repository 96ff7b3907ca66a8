"""Draws a line with a band for each of several names as a self-contained SVG, the legend beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 40, 52

LEGEND: Final = 48
"""What a row of the legend takes besides its text."""

PER_CHARACTER: Final = 6.6
"""Width of a character of the legend; a longer name makes the drawing wider."""

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444", "#a6761d")
"""Okabe and Ito's palette for colour-blind readers, and two more."""

DASHES: Final = ("none", "6 3", "2 2")
"""Of the lines that have the first colours, the second, and the third time."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """A line and what lies around it.

    Attributes:
        x: `(n,)` whole numbers, ascending.
        low: `(n,)` lower edge.
        mean: `(n,)` the line.
        high: `(n,)` upper edge.
    """

    x: npt.NDArray[np.int64]
    low: Values
    mean: Values
    high: Values


@dataclass(frozen=True)
class Axes:
    """What stands around the lines.

    Attributes:
        title: above them.
        x_label: below the axis.
        y_label: beside it.
        x: ends of the axis.
        y: ends of the axis.
    """

    title: str
    x_label: str
    y_label: str
    x: tuple[float, float]
    y: tuple[float, float]

    def x_of(self, value: float) -> float:
        """Return where a value lies, in the drawing's units from the left."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.x[0]) / max(self.x[1] - self.x[0], 1)

    def y_of(self, value: float) -> float:
        """Return where a value lies, from the top."""
        share = (value - self.y[0]) / (self.y[1] - self.y[0])
        return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share)


def bands_svg(axes: Axes, bands: Mapping[str, Band]) -> str:
    """Return the drawing: one colour a name, the legend in the order of `bands`."""
    parts = _frame(axes)
    width = WIDTH + max(0, round(PER_CHARACTER * max(map(len, bands), default=0)) + LEGEND - RIGHT)
    for number, (name, band) in enumerate(bands.items()):
        colour = COLOURS[number % len(COLOURS)]
        dash = DASHES[number // len(COLOURS) % len(DASHES)]
        stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        row = TOP + 20 * number + 6
        there_and_back = np.concatenate([band.x, band.x[::-1]])
        outline = np.clip(np.concatenate([band.high, band.low[::-1]]), *axes.y)
        parts += [
            f'<polygon points="{_points(axes, there_and_back, outline)}" fill="{colour}" fill-opacity="0.14"/>',
            f'<polyline points="{_points(axes, band.x, band.mean)}" fill="none" {stroke}/>',
            f'<line x1="{WIDTH - RIGHT + 10}" y1="{row}" x2="{WIDTH - RIGHT + 30}" y2="{row}" {stroke}/>',
            f'<text x="{WIDTH - RIGHT + 36}" y="{row + 4}">{escape(name)}</text>',
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{width}" height="{HEIGHT}" fill="white"/>' + "".join(parts) + "</svg>\n"
    )


def _frame(axes: Axes) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [
        f'<text x="{LEFT}" y="22" font-size="14">{escape(axes.title)}</text>',
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(axes.x_label)}</text>',
        f'<text transform="translate(18 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(axes.y_label)}</text>",
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="black"/>',
    ]
    parts += [
        f'<text x="{axes.x_of(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
        for tick in _ticks(*axes.x)
        if tick == round(tick)
    ]
    for tick in _ticks(*axes.y):
        y = axes.y_of(tick)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Return four to nine round numbers within the range."""
    span = max(high - low, 1e-12)
    power = 10.0 ** np.floor(np.log10(span))
    step = next(power * part for part in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if span / (power * part) <= 8)
    return [
        round(float(tick), 10) for tick in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    ]


def _points(axes: Axes, x: npt.NDArray[np.int64], y: Values) -> str:
    pairs = zip(x.tolist(), y.tolist(), strict=True)
    return " ".join(f"{axes.x_of(a):.1f},{axes.y_of(b):.1f}" for a, b in pairs)
