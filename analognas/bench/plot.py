"""Draws the regret of strategies over evaluations as a self-contained SVG: mean over seeds, 95 % band."""

from __future__ import annotations

from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt

from analognas.bench.benchmark import BenchResult, mean_and_half_width

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 40, 52
FIRST: Final = 5
"""Evaluations before the first point: earlier regret is luck and would set the scale."""

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444", "#a6761d")
"""Okabe and Ito's palette for colour-blind readers, and two more."""

DASHES: Final = ("none", "6 3", "2 2")
"""Of the strategies that have the first colours, the second, and the third time."""


def regret_svg(result: BenchResult) -> str:
    """Return the drawing: the best strategy first in the legend, one colour a strategy."""
    names = [place.strategy for place in result.ranking()]
    budget = next(iter(result.curves.values())).shape[1]
    first = min(FIRST, budget)
    x = np.arange(first, budget + 1)
    bands = {
        name: np.array([mean_and_half_width(curve) for curve in result.curves[name].T[first - 1 :]])
        for name in names
    }
    top = max(float((band[:, 0] + band[:, 1]).max()) for band in bands.values()) or 1.0
    parts = [*_axes(result, first, budget, top)]
    for number, name in enumerate(names):
        colour = COLOURS[number % len(COLOURS)]
        dash = DASHES[number // len(COLOURS) % len(DASHES)]
        stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        row = TOP + 20 * number + 6
        mean, half = bands[name].T
        outline = np.concatenate([mean + half, np.maximum(mean - half, 0.0)[::-1]])
        there_and_back = np.concatenate([x, x[::-1]])
        parts += [
            f'<polygon points="{_points(there_and_back, outline, first, budget, top)}" fill="{colour}" '
            'fill-opacity="0.14"/>',
            f'<polyline points="{_points(x, mean, first, budget, top)}" fill="none" {stroke}/>',
            f'<line x1="{WIDTH - RIGHT + 10}" y1="{row}" x2="{WIDTH - RIGHT + 30}" y2="{row}" {stroke}/>',
            f'<text x="{WIDTH - RIGHT + 36}" y="{row + 4}">{escape(name)}</text>',
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>' + "".join(parts) + "</svg>\n"
    )


def _axes(result: BenchResult, first: int, budget: int, top: float) -> list[str]:
    seeds = len(next(iter(result.curves.values())))
    title = f"{result.table}: {result.target}, {seeds} seeds, mean and 95 % interval"
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [
        f'<text x="{LEFT}" y="22" font-size="14">{escape(title)}</text>',
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 14}" text-anchor="middle">evaluations</text>',
        f'<text transform="translate(18 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
        "regret: distance to the best of the table</text>",
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="black"/>',
    ]
    parts += [
        f'<text x="{_x(tick, first, budget):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
        for tick in _ticks(first, budget)
    ]
    for tick in _ticks(0.0, top):
        y = _y(tick, top)
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


def _points(x: npt.NDArray[np.int64], y: npt.NDArray[np.float64], first: int, budget: int, top: float) -> str:
    pairs = zip(x.tolist(), y.tolist(), strict=True)
    return " ".join(f"{_x(a, first, budget):.1f},{_y(b, top):.1f}" for a, b in pairs)


def _x(evaluations: float, first: int, budget: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (evaluations - first) / max(budget - first, 1)


def _y(regret: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - regret / top)
