"""What a picture consists of: lines, areas, symbols and labels in pixels, the origin at the top left.

Colours are `#RRGGBB`, and opacity stands apart, so that a page can exchange a colour for its dark counterpart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Point: TypeAlias = tuple[float, float]
Anchor: TypeAlias = Literal["start", "middle", "end"]

_RGBA: Final = re.compile(r"rgba\((\d+), ?(\d+), ?(\d+), ?([\d.]+)\)")
_CHARACTER: Final = 0.54
"""Mean width of a character over the size of its font, of the sans-serif fonts of the common systems."""
NAMED: Final = {"white": "#FFFFFF", "black": "#000000"}


@dataclass(frozen=True)
class Paint:
    """A colour with its opacity, 0 to 1."""

    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Line:
    """Connected points; `dash` holds the lengths of strokes and gaps in pixels, empty for a solid line."""

    points: Sequence[Point]
    paint: Paint
    width: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Area:
    """A closed polygon, with a line around it where `edge` is given."""

    points: Sequence[Point]
    fill: Paint | None
    edge: Paint | None = None
    width: float = 1.0
    text: str = ""


@dataclass(frozen=True)
class Symbol:
    """A marker; `text` is what a reader is shown who points at it."""

    at: Point
    kind: str
    size: float
    fill: Paint | None
    edge: Paint | None
    width: float = 1.0
    text: str = ""


@dataclass(frozen=True)
class Label:
    """Text on its baseline; `turned` reads upwards."""

    at: Point
    text: str
    size: float
    paint: Paint
    anchor: Anchor = "start"
    turned: bool = False
    bold: bool = False


Mark: TypeAlias = Line | Area | Symbol | Label


@dataclass(frozen=True)
class Picture:
    """Marks in the order in which they are drawn, on a white ground of `width` times `height` pixels."""

    width: float
    height: float
    marks: Sequence[Mark]


def paint(colour: str | None, opacity: float | None = None) -> Paint | None:
    """Return a colour of plotly as paint; None for none, and for one that cannot be seen.

    >>> paint("rgba(0,114,178,0.25)"), paint("white", 0.5)
    (Paint(colour='#0072B2', opacity=0.25), Paint(colour='#FFFFFF', opacity=0.5))
    """
    if not colour:
        return None
    share = 1.0 if opacity is None else float(opacity)
    found = _RGBA.fullmatch(colour)
    if found:
        *channels, alpha = found.groups()
        colour, share = "#" + "".join(f"{int(value):02X}" for value in channels), share * float(alpha)
    return Paint(NAMED.get(colour, colour), round(share, 4)) if share > 0 else None


def width_of(text: str, size: float) -> float:
    """Return about how wide text is in pixels."""
    return _CHARACTER * size * len(text)
