"""The traces of a figure as marks: lines, areas and symbols of a scatter, bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from analognas.report.picture.axis import Axis, number_of
from analognas.report.picture.hover import hover_text
from analognas.report.picture.marks import Area, Line, Mark, Paint, Point, Symbol, paint

DASHES: Final = {"dash": (6.0, 4.0), "dot": (1.6, 3.2), "dashdot": (7.0, 3.5, 1.6, 3.5)}
_DEFAULT: Final = "#6B7280"
_BAR: Final = 0.8
"""Share of the room between two bars that a bar takes."""
Frame = tuple[float, float, float, float]


def scatter_marks(trace: Any, x: Axis, y: Axis, frame: Frame) -> list[Mark]:
    """Return area, line and symbols of a scatter trace, cut at the frame."""
    points = [(x.pixel(a), y.pixel(b)) for a, b in zip(_listed(trace.x), _listed(trace.y), strict=True)]
    marks: list[Mark] = []
    mode = trace.mode or "lines"
    if trace.fill in ("toself", "tozeroy"):
        marks += _area(trace, points, y, frame)
    if "lines" in mode:
        marks += _lines(trace, points, frame)
    if "markers" in mode:
        marks += _symbols(trace, points, frame)
    return marks


def symbol(trace: Any, index: int, at: Point, text: str = "") -> Symbol | None:
    """Return one symbol of a trace; None for one that cannot be seen and says nothing."""
    marker = trace.marker
    opacity = 1.0 if marker.opacity is None else float(_one(marker.opacity, index))
    kind = str(_one(marker.symbol, index) or "circle")
    colour = paint(_one(marker.color, index) or _DEFAULT, opacity)
    edge = paint(_one(marker.line.color, index), opacity)
    width = number_of(_one(marker.line.width, index) or 0)
    size = float(_one(marker.size, index) or 6)
    if kind == "x-thin":
        return Symbol(at, kind, size, None, edge or colour, width or 1.5, text)
    if kind.endswith("-open"):
        return Symbol(at, kind, size, None, colour, width or 1.2, text)
    if colour is None:
        return Symbol(at, kind, size, Paint("#FFFFFF", 0.0), None, 0.0, text) if text else None
    return Symbol(at, kind, size, colour, edge if width else None, width, text)


def bar_marks(figure: Any, trace: Any, x: Axis, y: Axis) -> list[Mark]:
    """Return the bars of a trace, stacked on those of the traces before it where the figure stacks."""
    marks: list[Mark] = []
    lying = trace.orientation == "h"
    places, lengths = (trace.y, trace.x) if lying else (trace.x, trace.y)
    bases = _bases(figure, trace)
    along, beside = (x, y) if lying else (y, x)
    for index, (place, length) in enumerate(zip(places, lengths, strict=True)):
        if not length:
            continue
        low, high = along.pixel(bases[index]), along.pixel(bases[index] + float(length))
        side = sorted((beside.pixel(float(place) - _BAR / 2), beside.pixel(float(place) + _BAR / 2)))
        corners = [(low, side[0]), (high, side[0]), (high, side[1]), (low, side[1])]
        if not lying:
            corners = [(b, a) for a, b in corners]
        fill = paint(_one(trace.marker.color, index) or _DEFAULT, _one(trace.marker.opacity, index))
        edge = paint(_one(trace.marker.line.color, index))
        marks.append(Area(corners, fill, edge, 1.2, hover_text(trace, index)))
    return marks


def bar_ends(figure: Any, trace: Any, direction: str) -> list[float]:
    """Return what the bars of a trace reach along the axis `x` or `y`, so that the axis holds them."""
    lying = trace.orientation == "h"
    if (direction == "x") != lying:
        places = trace.y if lying else trace.x
        return [float(place) + side for place in places for side in (-0.5, 0.5)]
    lengths = trace.x if lying else trace.y
    bases = _bases(figure, trace)
    return [0.0, *(base + float(length) for base, length in zip(bases, lengths, strict=True))]


def _bases(figure: Any, trace: Any) -> list[float]:
    lying = trace.orientation == "h"
    lengths = list(trace.x if lying else trace.y)
    if figure.layout.barmode != "stack":
        return [0.0] * len(lengths)
    bases = [0.0] * len(lengths)
    for other in figure.data:
        if other is trace:
            break
        if other.type == "bar" and other.xaxis == trace.xaxis:
            bases = [a + float(b) for a, b in zip(bases, other.x if lying else other.y, strict=True)]
    return bases


def _area(trace: Any, points: Sequence[Point], y: Axis, frame: Frame) -> list[Mark]:
    fill = paint(trace.fillcolor)
    edge = paint(trace.line.color)
    known = [point for point in points if _known(point)]
    if trace.fill == "tozeroy":
        ground = min(max(y.pixel(0.0), frame[2]), frame[3])
        if known:
            known = [*known, (known[-1][0], ground), (known[0][0], ground)]
        edge = None
    return (
        [Area([_within(point, frame) for point in known], fill, edge, trace.line.width or 1.0)]
        if known
        else []
    )


def _lines(trace: Any, points: Sequence[Point], frame: Frame) -> list[Mark]:
    colour = paint(trace.line.color or _DEFAULT)
    if trace.fill == "toself" or colour is None:
        return []
    width = 2.0 if trace.line.width is None else float(trace.line.width)
    pieces: list[list[Point]] = [[]]
    for point in points:
        if _known(point):
            if trace.line.shape == "hv" and pieces[-1]:
                pieces[-1].append((_within(point, frame)[0], pieces[-1][-1][1]))
            pieces[-1].append(_within(point, frame))
        elif pieces[-1]:
            pieces.append([])
    dash = DASHES.get(trace.line.dash, ())
    return [Line(piece, colour, width, dash) for piece in pieces if len(piece) > 1]


def _symbols(trace: Any, points: Sequence[Point], frame: Frame) -> list[Mark]:
    left, right, top, bottom = frame
    found = []
    for index, point in enumerate(points):
        within = _known(point) and left - 1 <= point[0] <= right + 1 and top - 1 <= point[1] <= bottom + 1
        if within and (drawn := symbol(trace, index, point, hover_text(trace, index))):
            found.append(drawn)
    return list(found)


def _within(point: Point, frame: Frame) -> Point:
    """Return a point moved to the edge of the frame where it lies outside."""
    left, right, top, bottom = frame
    return min(max(point[0], left), right), min(max(point[1], top), bottom)


def _known(point: Point) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def _listed(values: Any) -> list[Any]:
    return [] if values is None else list(values)


def _one(values: Any, index: int) -> Any:
    """Return the entry of a point, where each has one of its own."""
    if values is None or isinstance(values, str | int | float):
        return values
    return values[index]
