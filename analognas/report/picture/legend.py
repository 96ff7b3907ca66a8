"""The legend above a figure: a sample and a name for each trace that has one."""

from __future__ import annotations

from typing import Any, Final

from analognas.report.picture.hover import plain_text
from analognas.report.picture.marks import Area, Label, Line, Mark, Paint, paint, width_of
from analognas.report.picture.traces import DASHES, symbol

_SIZE: Final = 12.0
_ROW: Final = 20.0
_SAMPLE: Final = 26.0
_GAP: Final = 18.0
_INK: Final = Paint("#1F2937")


def legend(figure: Any, width: float, top: float) -> tuple[list[Mark], float]:
    """Return the marks of the legend in rows that keep to `width`, and its height."""
    shown = [trace for trace in figure.data if trace.name and trace.showlegend is not False]
    if (
        figure.layout.showlegend is False
        or not shown
        or (len(figure.data) < 2 and not figure.layout.showlegend)
    ):
        return [], 0.0
    marks: list[Mark] = []
    x, row = 2.0, 0
    for trace in shown:
        name = plain_text(trace.name)
        needed = _SAMPLE + width_of(name, _SIZE)
        if x > 2 and x + needed > width:
            x, row = 2.0, row + 1
        middle = top + _ROW * row + 9
        marks += _sample(trace, x, middle)
        marks.append(Label((x + _SAMPLE, middle + 0.36 * _SIZE), name, _SIZE, _INK))
        x += needed + _GAP
    return marks, _ROW * (row + 1)


def _sample(trace: Any, x: float, middle: float) -> list[Mark]:
    if trace.type == "bar":
        fill = paint(trace.marker.color if isinstance(trace.marker.color, str) else None)
        return [
            Area([(x + 5, middle - 5), (x + 18, middle - 5), (x + 18, middle + 5), (x + 5, middle + 5)], fill)
        ]
    marks: list[Mark] = []
    mode = trace.mode or "lines"
    colour = paint(trace.line.color)
    if "lines" in mode and colour is not None:
        width = 2.0 if trace.line.width is None else float(trace.line.width)
        marks.append(Line([(x, middle), (x + 20, middle)], colour, width, DASHES.get(trace.line.dash, ())))
    if "markers" in mode:
        drawn = symbol(trace, 0, (x + 10, middle))
        if drawn is not None:
            marks.append(drawn)
    return marks
