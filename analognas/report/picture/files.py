"""Pictures as files: SVG by itself, PNG and PDF with matplotlib, which needs no browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from analognas.errors import UserError
from analognas.record.directory import write_atomically
from analognas.report.picture.marks import Area, Label, Line, Mark, Paint, Picture
from analognas.report.picture.svg import cross, outline, svg

FORMATS: Final = ("svg", "png", "pdf")
_DOTS_PER_INCH: Final = 96.0
"""Pixels of a picture in an inch of paper."""
_SHARPER: Final = 3
"""Dots of a PNG for each pixel of a picture."""
_ACROSS: Final = {"start": "left", "middle": "center", "end": "right"}


def write_picture(path: Path, picture: Picture, description: str) -> None:
    """Write a picture, in the format that the ending of `path` names.

    Raises:
        OSError: when the file cannot be written.
        UserError: for another format, or PNG and PDF without matplotlib.
    """
    form = path.suffix.removeprefix(".")
    if form == "svg":
        write_atomically(path, f"{svg(picture, description, alone=True)}\n")
        return
    if form not in FORMATS:
        raise UserError(f"a figure is written as {', '.join(FORMATS)}, got {form!r}")
    require_format(form)
    _drawn(picture).savefig(path, dpi=_SHARPER * _DOTS_PER_INCH, metadata=_undated(form))


def require_format(form: str) -> None:
    """Check that a format can be written here.

    Raises:
        UserError: for PNG and PDF without matplotlib.
    """
    if form == "svg":
        return
    try:
        import matplotlib  # noqa: F401  # looked for, used later
    except ImportError:
        raise UserError(
            f"figures as {form.upper()} need matplotlib: `pip install 'analognas[figures]'`; SVG needs nothing"
        ) from None


def _undated(form: str) -> dict[str, Any]:
    """Return metadata without a date, so that the same figure is the same file."""
    return {"CreationDate": None} if form == "pdf" else {}


def _drawn(picture: Picture) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(picture.width / _DOTS_PER_INCH, picture.height / _DOTS_PER_INCH), facecolor="white"
    )
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.set_axis_off()
    for place, mark in enumerate(picture.marks):
        _draw(axes, mark, place)
    return figure


def _draw(axes: Any, mark: Mark, place: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle, Polygon

    if isinstance(mark, Line):
        dashes = (0.0, [_points_of(length) for length in mark.dash]) if mark.dash else None  # None: solid
        xs, ys = zip(*mark.points, strict=True)
        colour = _colour(mark.paint)
        axes.add_artist(
            Line2D(xs, ys, color=colour, linewidth=_points_of(mark.width), linestyle=dashes, zorder=place)
        )
    elif isinstance(mark, Label):
        text = mark.text.replace("$", r"\$")
        weight = "bold" if mark.bold else "normal"
        axes.text(
            *mark.at,
            text,
            fontsize=_points_of(mark.size),
            color=_colour(mark.paint),
            ha=_ACROSS[mark.anchor] if not mark.turned else "center",
            va="baseline" if not mark.turned else "center",
            rotation=90 if mark.turned else 0,
            fontweight=weight,
            zorder=place,
        )
    else:
        look = {
            "facecolor": _colour(mark.fill),
            "edgecolor": _colour(mark.edge),
            "linewidth": _points_of(mark.width) if mark.edge else 0,
            "zorder": place,
        }
        if isinstance(mark, Area):
            axes.add_artist(Polygon(list(mark.points), closed=True, **look))
        elif mark.kind == "x-thin":
            for (x0, y0), (x1, y1) in cross(mark.at, mark.size):
                stroke = {"color": look["edgecolor"], "linewidth": look["linewidth"], "zorder": place}
                axes.add_artist(Line2D([x0, x1], [y0, y1], **stroke))
        elif corners := outline(mark.kind, mark.at, mark.size):
            axes.add_artist(Polygon(corners, closed=True, **look))
        else:
            axes.add_artist(Circle(mark.at, mark.size / 2, **look))


def _points_of(pixels: float) -> float:
    """Return pixels in points, of which an inch has 72."""
    return pixels * 72 / _DOTS_PER_INCH


def _colour(paint: Paint | None) -> Any:
    if paint is None:
        return "none"
    return (*(int(paint.colour[i : i + 2], 16) / 255 for i in (1, 3, 5)), min(1.0, max(0.0, paint.opacity)))
