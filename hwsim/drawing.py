"""A drawing of lines, areas and texts, as SVG or as PNG: two small writers in place of a browser.

Units are those of the drawing, from its upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from typing import Final, Literal, TypeAlias, final

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444", "#a6761d")
"""Okabe and Ito's palette for colour-blind readers, and two more."""

PNG_SCALE: Final = 2
"""Pixels for each unit of a PNG, so that it is sharp on screens with many."""

_ANCHORS: Final = {"start": "ls", "middle": "ms", "end": "rs"}
"""Of SVG, and the same of Pillow: left, middle or right of the baseline."""

Point: TypeAlias = tuple[float, float]
Anchor: TypeAlias = Literal["start", "middle", "end"]


@final
@dataclass
class Drawing:
    """What is drawn, in order: what comes later lies above.

    Attributes:
        width: of the drawing.
        height: of the drawing.
    """

    width: int
    height: int
    _svg: list[str] = field(default_factory=list)
    _calls: list[tuple[str, tuple[Point, ...], str, float, Anchor, str]] = field(default_factory=list)

    def line(self, points: list[Point], colour: str, width: float = 1.0) -> None:
        """Draw a line through points."""
        self._svg.append(
            f'<polyline points="{_joined(points)}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'
        )
        self._calls.append(("line", tuple(points), colour, width, "start", ""))

    def area(self, points: list[Point], colour: str, opacity: float = 0.15) -> None:
        """Fill what points go around."""
        self._svg.append(f'<polygon points="{_joined(points)}" fill="{colour}" fill-opacity="{opacity:g}"/>')
        self._calls.append(("area", tuple(points), colour, opacity, "start", ""))

    def dot(self, point: Point, colour: str, radius: float = 3.0) -> None:
        """Draw a filled circle."""
        x, y = point
        self._svg.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"/>')
        self._calls.append(("dot", (point,), colour, radius, "start", ""))

    def text(self, point: Point, text: str, anchor: Anchor = "start", size: float = 12.0) -> None:
        """Write a text whose baseline starts, has its middle, or ends at a point."""
        x, y = point
        self._svg.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}">{escape(text)}</text>'
        )
        self._calls.append(("text", (point,), "#000000", size, anchor, text))

    def to_svg(self) -> str:
        """Return the drawing as a self-contained SVG."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'font-family="sans-serif"><rect width="{self.width}" height="{self.height}" fill="white"/>'
            + "".join(self._svg)
            + "</svg>\n"
        )

    def to_png(self) -> bytes:
        """Return the drawing as a PNG of `PNG_SCALE` pixels a unit."""
        from PIL import Image, ImageDraw, ImageFont

        image = Image.new("RGB", (self.width * PNG_SCALE, self.height * PNG_SCALE), "white")
        pen = ImageDraw.Draw(image, "RGBA")  # lets what is drawn be seen through
        for kind, points, colour, size, anchor, text in self._calls:
            places = [(x * PNG_SCALE, y * PNG_SCALE) for x, y in points]
            (x, y), scaled = places[0], size * PNG_SCALE
            match kind:
                case "line":
                    pen.line(places, colour, max(1, round(scaled)), joint="curve")
                case "area":
                    pen.polygon(places, f"{colour}{round(255 * size):02x}")
                case "dot":
                    pen.ellipse((x - scaled, y - scaled, x + scaled, y + scaled), colour)
                case "text":
                    font = ImageFont.load_default(scaled)
                    known = text.replace("µ", "u")  # Pillow's own font has no such letter
                    pen.text((x, y), known, colour, font, anchor=_ANCHORS[anchor])
        file = BytesIO()
        image.save(file, "PNG")
        return file.getvalue()


def _joined(points: list[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
