"""A figure of plotly laid out as a picture: panels, axes, lines, bars, symbols, shapes, notes and a legend.

What the figures of this project use is drawn, and nothing else: scatter and bar traces, linear and logarithmic axes,
rectangles, lines and notes. The layout depends on the width, so that letters keep their size on a telephone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from analognas.report.picture.axis import Axis, span, ticks
from analognas.report.picture.hover import plain_text
from analognas.report.picture.legend import legend
from analognas.report.picture.marks import Anchor, Area, Label, Line, Mark, Paint, Picture, paint, width_of
from analognas.report.picture.traces import DASHES, bar_ends, bar_marks, scatter_marks

_INK: Final = Paint("#1F2937")
_QUIET: Final = Paint("#6B7280")
_GRID: Final = Paint("#E5E7EB")
_EDGE: Final = Paint("#9CA3AF")
_TEXT: Final = 12.0
_TITLE: Final = 13.0
_TICK: Final = 4.0
_RIGHT: Final = 16.0
_BARE_LEFT: Final = 8.0
"""Pixels to the left of a panel without axes."""
_X_AXIS: Final = 46.0
"""Pixels below a panel for the labels and the title of its axis."""
_WIDEST_LABELS: Final = 0.42
"""Share of the width that the labels of a vertical axis may take."""
_ANCHORS: Final[dict[str | None, Anchor]] = {"left": "start", "right": "end"}


def picture(figure: Any, width: float) -> Picture:
    """Return a plotly figure as a picture of a width in pixels; its height is that of the figure and its legend."""
    layout = figure.layout
    heading, at = _heading(layout, width)
    keys, legend_height = legend(figure, width, at)
    top = at + legend_height + 8
    panels = _panels(figure)
    left = max(_left(figure, panel, width) for panel in panels)
    bottom = 14.0 if _axis_layout(figure, panels[-1][0]).visible is False else _X_AXIS
    given = layout.margin.t if layout.title.text else 12
    height = max(layout.height - given + top, 160.0)
    marks: list[Mark] = [*heading, *keys]
    for panel in panels:
        own = left if _shows_an_axis(figure, panel) else _BARE_LEFT
        marks += _panel(figure, panel, (own, width - _RIGHT), (height - bottom, top))
    return Picture(width, height, marks)


def _heading(layout: Any, width: float) -> tuple[list[Mark], float]:
    """Return the title in as many lines as it needs, and where it ends."""
    if not layout.title.text:
        return [], 6.0
    words, lines = plain_text(layout.title.text).split(), [""]
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, 15) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    marks = [Label((0, 18 + 19 * row), text, 15, _INK, bold=True) for row, text in enumerate(lines)]
    return list(marks), 12.0 + 19 * len(lines)


def _panels(figure: Any) -> list[tuple[str, str]]:
    """Return the pairs of axes that have a trace, as plotly names them: `x2`, `y2`."""
    return list(dict.fromkeys((trace.xaxis or "x", trace.yaxis or "y") for trace in figure.data)) or [
        ("x", "y")
    ]


def _shows_an_axis(figure: Any, panel: tuple[str, str]) -> bool:
    return any(_axis_layout(figure, name).visible is not False for name in panel)


def _axis_layout(figure: Any, name: str) -> Any:
    return figure.layout[f"{name[0]}axis{name[1:]}"]


def _values(figure: Any, name: str) -> list[float]:
    """Return every value along an axis, those of axes that must match it included."""
    same = {name, _axis_layout(figure, name).matches}
    same |= {
        (trace.xaxis or "x")
        for trace in figure.data
        if _axis_layout(figure, trace.xaxis or "x").matches == name
    }
    found = _of_lines(figure, name)
    for trace in figure.data:
        axis = (trace.xaxis or "x") if name[0] == "x" else (trace.yaxis or "y")
        values = trace.x if name[0] == "x" else trace.y
        if axis in same and values is not None:
            found += [float(value) for value in values if value is not None]
        if axis in same and trace.type == "bar":
            found += bar_ends(figure, trace, name[0])
    return found


def _of_lines(figure: Any, name: str) -> list[float]:
    """Return where the upright lines across a whole panel lie, such as limits."""
    lines = [
        shape
        for shape in figure.layout.shapes
        if shape.type == "line" and (shape.yref or "").endswith("domain")
    ]
    return [float(shape.x0) for shape in lines if (shape.xref or "x") == name]


def _left(figure: Any, panel: tuple[str, str], width: float) -> float:
    """Return the room that labels and title of a vertical axis need."""
    layout = _axis_layout(figure, panel[1])
    if layout.visible is False:
        return _BARE_LEFT
    axis = Axis(*span(_values(figure, panel[1]), layout), 100.0, 0.0, layout.type == "log")
    some = [
        plain_text(text)
        for most in (3, 6, 12)  # how many there will be depends on the height
        for _, text in ticks(axis, layout, most)
        if layout.showticklabels is not False
    ]
    labels = [width_of(text, _TEXT) for text in some]
    title = 22.0 if layout.title.text else 4.0
    return min(title + _TICK + 6 + max(labels, default=0.0), _WIDEST_LABELS * width)


def _panel(
    figure: Any, panel: tuple[str, str], across: tuple[float, float], up: tuple[float, float]
) -> list[Mark]:
    """Return everything between two axes; `across` and `up` are the pixels that all panels share."""
    x_layout, y_layout = (_axis_layout(figure, name) for name in panel)
    x = _placed(figure, panel[0], x_layout, across)
    y = _placed(figure, panel[1], y_layout, up)
    if y_layout.scaleanchor == panel[0]:
        x, y = _in_proportion(x, y, float(y_layout.scaleratio or 1.0))
    frame = (min(x.start, x.end), max(x.start, x.end), min(y.start, y.end), max(y.start, y.end))
    marks = [*_x_axis(x, x_layout, frame), *_y_axis(y, y_layout, frame)]
    shapes = [shape for shape in figure.layout.shapes if (shape.xref or "x").split()[0] == panel[0]]
    marks += [_shape(shape, x, y, frame) for shape in shapes]
    for trace in figure.data:
        if (trace.xaxis or "x", trace.yaxis or "y") == panel and trace.visible is not False:
            marks += (
                bar_marks(figure, trace, x, y) if trace.type == "bar" else scatter_marks(trace, x, y, frame)
            )
    notes = [note for note in figure.layout.annotations if (note.xref or "x").split()[0] == panel[0]]
    return marks + [_note(note, x, y, frame) for note in notes]


def _placed(figure: Any, name: str, layout: Any, pixels: tuple[float, float]) -> Axis:
    first, last = pixels
    low, high = layout.domain or (0.0, 1.0)
    ends = first + low * (last - first), first + high * (last - first)
    return Axis(*span(_values(figure, name), layout), *ends, layout.type == "log")


def _in_proportion(x: Axis, y: Axis, ratio: float) -> tuple[Axis, Axis]:
    """Return the axes with the longer one cut, so that a unit up is `ratio` times one across; left and top stay."""
    across, up = ((axis.end - axis.start) / (axis.high - axis.low) for axis in (x, y))
    unit = min(across, abs(up) / ratio)
    return (
        replace(x, end=x.start + unit * (x.high - x.low)),
        replace(y, start=y.end + unit * ratio * (y.high - y.low)),
    )


def _x_axis(axis: Axis, layout: Any, frame: tuple[float, float, float, float]) -> list[Mark]:
    if layout.visible is False:
        return []
    left, right, top, bottom = frame
    marks: list[Mark] = []
    end = -1e9
    for value, text in ticks(axis, layout, max(2, int((right - left) / 75))):
        at = axis.pixel(value)
        if layout.showgrid is not False:
            marks.append(Line([(at, top), (at, bottom)], _GRID))
        marks.append(Line([(at, bottom), (at, bottom + _TICK)], _EDGE))
        half = width_of(text, _TEXT) / 2
        if layout.showticklabels is not False and at - half > end + 4:
            marks.append(Label((at, bottom + _TICK + _TEXT + 2), text, _TEXT, _INK, "middle"))
            end = at + half
    marks.append(Line([(left, bottom), (right, bottom)], _EDGE))
    if layout.title.text:
        title, widest = plain_text(layout.title.text), right + _RIGHT - 4
        size = _TITLE * min(1.0, widest / width_of(title, _TITLE))
        half = width_of(title, size) / 2
        middle = max(min((left + right) / 2, widest - half), half)  # within the picture
        marks.append(Label((middle, bottom + _X_AXIS - 8), title, size, _INK, "middle"))
    return marks


def _y_axis(axis: Axis, layout: Any, frame: tuple[float, float, float, float]) -> list[Mark]:
    if layout.visible is False:
        return []
    left, right, top, bottom = frame
    marks: list[Mark] = []
    for value, text in ticks(axis, layout, max(2, int((bottom - top) / 45))):
        at = axis.pixel(value)
        if layout.showgrid is not False:
            marks.append(Line([(left, at), (right, at)], _GRID))
        if layout.showticklabels is not False:
            marks.append(Line([(left - _TICK, at), (left, at)], _EDGE))
            marks.append(
                Label((left - _TICK - 4, at + 0.36 * _TEXT), _cut(text, left - 12), _TEXT, _INK, "end")
            )
    marks.append(Line([(left, top), (left, bottom)], _EDGE))
    if layout.title.text:
        middle = (top + bottom) / 2
        marks.append(
            Label((_TITLE, middle), plain_text(layout.title.text), _TITLE, _INK, "middle", turned=True)
        )
    return marks


def _cut(text: str, width: float) -> str:
    """Return text that is at most about `width` pixels wide."""
    most = max(3, int(width / width_of("m", _TEXT)))
    text = plain_text(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _shape(shape: Any, x: Axis, y: Axis, frame: tuple[float, float, float, float]) -> Mark:
    _, _, top, bottom = frame
    whole = (shape.yref or "y").endswith("domain")
    x0, x1 = x.pixel(shape.x0), x.pixel(shape.x1)
    y0, y1 = (bottom, top) if whole else (y.pixel(shape.y0), y.pixel(shape.y1))
    edge = paint(shape.line.color, shape.opacity) or _INK
    width = shape.line.width or 1.0
    if shape.type == "line":
        return Line([(x0, y0), (x1, y1)], edge, width, DASHES.get(shape.line.dash, ()))
    return Area([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], paint(shape.fillcolor, shape.opacity), edge, width)


def _note(note: Any, x: Axis, y: Axis, frame: tuple[float, float, float, float]) -> Mark:
    _, _, top, bottom = frame
    place = 10 ** float(note.x) if x.logarithmic else note.x
    whole = (note.yref or "y").endswith("domain")
    at_y = bottom - float(note.y) * (bottom - top) if whole else y.pixel(note.y)
    size = float(note.font.size or _TEXT)
    up = {"bottom": -3.0, "top": size}.get(note.yanchor, 0.36 * size)
    at = x.pixel(place) + (note.xshift or 0), at_y + up - (note.yshift or 0)
    colour = paint(note.font.color) or _INK
    return Label(at, plain_text(str(note.text)), size, colour, _ANCHORS.get(note.xanchor, "middle"))
