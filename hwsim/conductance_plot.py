"""Draws conductances over time, mean and standard deviation for each target: HTML, SVG or PNG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from hwsim.arguments import nearest
from hwsim.characterize import Statistic
from hwsim.drawing import COLOURS, Drawing
from hwsim.durations import time_label

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 130, 56, 52

MOST_TICKS: Final = 10
"""Times written below the axis, so that texts do not meet."""


def plot_conductances(path: Path, name: str, statistics: Sequence[Statistic]) -> None:
    """Write a drawing of conductances over time; the ending says of which kind.

    Args:
        path: ends in .html, .svg or .png.
        name: of the device, for the title.
        statistics: one for each target and time.

    Raises:
        ValueError: for another ending, or a path that cannot be written to.
    """
    content = drawing_for(path)(name, statistics)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ValueError(f"{path}: must be a file that can be written: {error.strerror or error}") from None


def drawing_for(path: Path) -> Callable[[str, Sequence[Statistic]], bytes]:
    """Return what draws the kind of file that `path` names.

    Raises:
        ValueError: for an ending that is none of them.
    """
    drawings = {".html": _html, ".svg": _svg, ".png": _png}
    ending = path.suffix.lower()
    if ending not in drawings:
        raise ValueError(f"`--plot` must end in {', '.join(drawings)}, got {path}{nearest(ending, drawings)}")
    return drawings[ending]


def _svg(name: str, statistics: Sequence[Statistic]) -> bytes:
    return _drawing(name, statistics).to_svg().encode()


def _png(name: str, statistics: Sequence[Statistic]) -> bytes:
    return _drawing(name, statistics).to_png()


def _html(name: str, statistics: Sequence[Statistic]) -> bytes:
    import plotly.graph_objects as go

    figure = go.Figure()
    for number, (g_us, points) in enumerate(_by_target(statistics).items()):
        colour = COLOURS[number % len(COLOURS)]
        times, means = _positions(points, statistics), [point.mean_us for point in points]
        highs, lows = ([point.mean_us + sign * point.std_us for point in points] for sign in (1, -1))
        figure.add_scatter(
            x=[*times, *times[::-1]],
            y=[*highs, *lows[::-1]],
            fill="toself",
            fillcolor=colour,
            opacity=0.15,
            mode="none",
            hoverinfo="skip",
            showlegend=False,
            legendgroup=str(g_us),
        )
        hover = [f"{g_us:g} µS at {time_label(p.t_s)}: {p.mean_us:.4g} ± {p.std_us:.3g} µS" for p in points]
        figure.add_scatter(
            x=times,
            y=means,
            mode="lines+markers",
            line={"color": colour},
            name=f"{g_us:g} µS",
            legendgroup=str(g_us),
            hovertext=hover,
            hoverinfo="text",
        )
    ticks = _ticks_of_times(statistics)
    figure.update_layout(
        template="plotly_white",
        title={"text": _title(name)},
        xaxis={
            "title": {"text": "time since programming"},
            "tickvals": [place for place, _ in ticks],
            "ticktext": [text for _, text in ticks],
        },
        yaxis={"title": {"text": "conductance, µS"}},
    )
    html: Any = figure.to_html(include_plotlyjs=True)
    return str(html).encode()


def _drawing(name: str, statistics: Sequence[Statistic]) -> Drawing:
    drawing = Drawing(WIDTH, HEIGHT)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    positions = _positions(statistics, statistics)
    first, last = min(positions), max(positions)
    low, high, step = _round_ends(statistics)

    def x_of(position: float) -> float:
        return LEFT + (right - LEFT) * ((position - first) / (last - first) if last > first else 0.5)

    def y_of(value: float) -> float:
        return TOP + (bottom - TOP) * (high - max(value, low)) / (high - low)

    drawing.text((LEFT, 22), _title(name), size=14)
    drawing.text((LEFT - 44, TOP - 12), "conductance, µS")
    drawing.text(((LEFT + right) / 2, HEIGHT - 14), "time since programming", "middle")
    for tick in range(round(low / step), round(high / step) + 1):
        y = y_of(tick * step)
        drawing.line([(LEFT, y), (right, y)], "#dddddd")
        drawing.text((LEFT - 8, y + 4), f"{tick * step:g}", "end")
    for position, text in _ticks_of_times(statistics):
        drawing.text((x_of(position), bottom + 18), text, "middle")
    drawing.line([(LEFT, TOP), (LEFT, bottom), (right, bottom)], "#000000")
    for number, (g_us, points) in enumerate(_by_target(statistics).items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [x_of(position) for position in _positions(points, statistics)]
        ups = [(x, y_of(point.mean_us + point.std_us)) for x, point in zip(places, points, strict=True)]
        downs = [(x, y_of(point.mean_us - point.std_us)) for x, point in zip(places, points, strict=True)]
        line = [(x, y_of(point.mean_us)) for x, point in zip(places, points, strict=True)]
        if len(points) > 1:
            drawing.area([*ups, *downs[::-1]], colour)
            drawing.line(line, colour, 2)
        else:
            drawing.line([*ups, *downs], colour, 2)
        for place in line:
            drawing.dot(place, colour)
        drawing.line([(right + 10, TOP + 20 * number), (right + 30, TOP + 20 * number)], colour, 2)
        drawing.text((right + 36, TOP + 20 * number + 4), f"{g_us:g} µS")
    return drawing


def _title(name: str) -> str:
    return f"{name}: mean and standard deviation over devices"


def _by_target(statistics: Sequence[Statistic]) -> dict[float, list[Statistic]]:
    """Return the statistics of each target in the order of time."""
    found: dict[float, list[Statistic]] = {}
    for statistic in sorted(statistics, key=lambda statistic: statistic.t_s):
        found.setdefault(statistic.g_us, []).append(statistic)
    return dict(sorted(found.items(), reverse=True))  # the legend in the order of the lines


def _positions(points: Sequence[Statistic], statistics: Sequence[Statistic]) -> list[float]:
    """Return the decade of each time; 0 lies one decade before the first of all others."""
    first = min((s.t_s for s in statistics if s.t_s > 0), default=10.0)
    return [math.log10(point.t_s) if point.t_s > 0 else math.log10(first) - 1 for point in points]


def _ticks_of_times(statistics: Sequence[Statistic]) -> list[tuple[float, str]]:
    """Return the position and text of each time, but of those that would lie on another."""
    by_time = sorted({s.t_s: s for s in statistics}.values(), key=lambda statistic: statistic.t_s)
    places = _positions(by_time, statistics)
    nearest_allowed = (places[-1] - places[0]) / MOST_TICKS
    ticks: list[tuple[float, str]] = []
    for position, statistic in zip(places, by_time, strict=True):
        if not ticks or position - ticks[-1][0] >= nearest_allowed:
            ticks.append((position, time_label(statistic.t_s)))
    return ticks


def _round_ends(statistics: Sequence[Statistic]) -> tuple[float, float, float]:
    """Return round ends of the axis of conductances, none of which is negative, and the step between its ticks."""
    low = max(0.0, min(s.mean_us - s.std_us for s in statistics))
    high = max(s.mean_us + s.std_us for s in statistics)
    span = max(high - low, 1e-3)
    power = 10.0 ** math.floor(math.log10(span))
    step = next(power * part for part in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if span / (power * part) <= 8)
    return math.floor(low / step) * step, max(math.ceil(high / step), math.floor(low / step) + 1) * step, step
