"""A picture as SVG, for a page or as a file of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from analognas.report.html import Html, element
from analognas.report.picture.marks import Area, Label, Line, Mark, Paint, Picture, Point, Symbol

_FONT: Final = "Helvetica Neue, Arial, Liberation Sans, DejaVu Sans, sans-serif"
_CORNERS: Final = {"square": (4, 45), "diamond": (4, 0), "pentagon": (5, -90), "hexagon": (6, -90)}
_SQUARE_REACH: Final = {"square": 1.15, "diamond": 1.3}


def svg(picture: Picture, description: str, *, kind: str = "", alone: bool = False) -> Html:
    """Return the picture as an element.

    Args:
        picture: what is drawn.
        description: for those who cannot see it.
        kind: class of the element.
        alone: whether it becomes a file, with its ground and its size.
    """
    size = {"viewBox": f"0 0 {_number(picture.width)} {_number(picture.height)}"}
    # a page finds its points by keys, hence the tab stop
    attributes = {"class": kind, "role": "img", "aria-label": description, "tabindex": "0", **size}
    if alone:
        attributes = {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": _number(picture.width),
            "height": _number(picture.height),
            **size,
        }
    ground = element("rect", {"width": "100%", "height": "100%", "fill": "#FFFFFF"}) if alone else Html("")
    title = element("title", {}, description) if alone else Html("")
    marks = element("g", {"font-family": _FONT}, *_marks(picture.marks, alone=alone))
    return element("svg", attributes, title, ground, marks)


def outline(kind: str, at: Point, size: float) -> list[Point]:
    """Return the corners of a symbol, `size` pixels across; a circle has none."""
    base = kind.removesuffix("-open")
    radius = size / 2
    if base == "star":
        return [
            _polar(at, radius * (1.3 if corner % 2 == 0 else 0.55), -90 + 36 * corner) for corner in range(10)
        ]
    if base.startswith("triangle"):
        turn = 90 if base.endswith("down") else -90
        return [_polar(at, 1.2 * radius, turn + 120 * corner) for corner in range(3)]
    if base in _CORNERS:
        corners, turn = _CORNERS[base]
        reach = _SQUARE_REACH.get(base, 1.1) * radius
        return [_polar(at, reach, turn + 360 / corners * corner) for corner in range(corners)]
    return []


def cross(at: Point, size: float) -> list[tuple[Point, Point]]:
    """Return the two strokes of the symbol `x-thin`."""
    (x, y), reach = at, 0.42 * size
    return [
        ((x - reach, y - reach), (x + reach, y + reach)),
        ((x - reach, y + reach), (x + reach, y - reach)),
    ]


def _marks(marks: Sequence[Mark], *, alone: bool) -> list[Html]:
    """Return the marks; symbols that follow one another and look alike say how they look once."""
    found = []
    for look, alike in groupby(marks, _look):
        drawn = [_mark(mark, alone=alone) for mark in alike]
        found += drawn if look is None else [element("g", dict(look), *drawn)]
    return found


def _look(mark: Mark) -> tuple[tuple[str, str], ...] | None:
    if not isinstance(mark, Symbol):
        return None
    return tuple({**_fill(mark.fill), **_stroke(mark.edge, mark.width)}.items())


def _mark(mark: Mark, *, alone: bool) -> Html:
    if isinstance(mark, Line):
        dash = {"stroke-dasharray": " ".join(map(_number, mark.dash))} if mark.dash else {}
        attributes = {
            "points": _points(mark.points),
            **_fill(None),
            **_stroke(mark.paint, mark.width),
            **dash,
        }
        return element("polyline", attributes)
    if isinstance(mark, Area):
        attributes = {"points": _points(mark.points), **_fill(mark.fill), **_stroke(mark.edge, mark.width)}
        return element("polygon", {**attributes, **_said(mark.text, alone=alone)}, *_title(mark.text, alone))
    if isinstance(mark, Symbol):
        return _symbol(mark, alone=alone)
    return _label(mark)


def _symbol(mark: Symbol, *, alone: bool) -> Html:
    said = _said(mark.text, alone=alone)
    corners = outline(mark.kind, mark.at, mark.size)
    x, y = mark.at
    if mark.kind == "x-thin":
        strokes = " ".join(f"M{_pair(a)}L{_pair(b)}" for a, b in cross(mark.at, mark.size))
        return element("path", {"d": strokes, **said}, *_title(mark.text, alone))
    if corners:
        return element("polygon", {"points": _points(corners), **said}, *_title(mark.text, alone))
    place = {"cx": _number(x), "cy": _number(y), "r": _number(mark.size / 2)}
    return element("circle", {**place, **said}, *_title(mark.text, alone))


def _label(mark: Label) -> Html:
    x, y = mark.at
    attributes = {"x": _number(x), "y": _number(y), "font-size": _number(mark.size), **_fill(mark.paint)}
    if mark.anchor != "start":
        attributes["text-anchor"] = mark.anchor
    if mark.bold:
        attributes["font-weight"] = "600"
    if mark.turned:
        attributes["transform"] = f"rotate(-90 {_number(x)} {_number(y)})"
    return element("text", attributes, mark.text)


def _said(text: str, *, alone: bool) -> dict[str, str]:
    return {"data-t": text} if text and not alone else {}


def _title(text: str, alone: bool) -> list[Html]:
    return [element("title", {}, text)] if text and alone else []


def _fill(paint: Paint | None) -> dict[str, str]:
    if paint is None:
        return {"fill": "none"}
    return {"fill": paint.colour, **({"fill-opacity": _number(paint.opacity)} if paint.opacity < 1 else {})}


def _stroke(paint: Paint | None, width: float) -> dict[str, str]:
    if paint is None:
        return {}
    opacity = {"stroke-opacity": _number(paint.opacity)} if paint.opacity < 1 else {}
    return {"stroke": paint.colour, "stroke-width": _number(width), **opacity}


def _polar(at: Point, radius: float, degrees: float) -> Point:
    angle = math.radians(degrees)
    return at[0] + radius * math.cos(angle), at[1] + radius * math.sin(angle)


def _points(points: Sequence[Point]) -> str:
    return " ".join(map(_pair, points))


def _pair(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    """Return a number with two digits at most.

    >>> _number(3.0), _number(0.126)
    ('3', '0.13')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
