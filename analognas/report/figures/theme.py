"""The look that every figure shares.

Colours are those of Okabe and Ito, which people with any common colour vision deficiency can tell apart; no
figure relies on colour alone, symbols and line styles differ too.

References:
    M. Okabe, K. Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

import html
import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BEST: Final = "#0072B2"
REFERENCES: Final = ("#D55E00", "#009E73", "#CC79A7", "#8C6D00")
PHASES: Final = ("#8A93A0", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#8C6D00")
PHASE_SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up", "pentagon", "hexagon")
FAILED: Final = "#B3261E"
INK: Final = "#1F2937"
QUIET: Final = "#6B7280"
GRID: Final = "#E5E7EB"
BELOW_NAME: Final = "below the axis"
BELOW_MARKER: Final = {"size": 9, "symbol": "triangle-down-open", "color": QUIET, "line": {"width": 1.4}}
_FEW: Final = 8
"""Trials up to which each has a tick."""
FONT: Final = '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def new_figure(height: int) -> Any:
    """Return an empty figure in the common look; its width follows the page."""
    import plotly.graph_objects as go

    figure = go.Figure()
    style_figure(figure, height)
    return figure


def style_figure(figure: Any, height: int) -> None:
    """Give a figure the common look."""
    axis = {
        "gridcolor": GRID,
        "linecolor": "#9CA3AF",
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "#9CA3AF",
        "zeroline": False,
        "automargin": True,
        "title": {"standoff": 10, "font": {"size": 13}},
    }
    figure.update_layout(
        template="none",
        height=height,
        autosize=True,
        margin={"l": 56, "r": 16, "t": 12, "b": 48},
        font={"family": FONT, "size": 12, "color": INK},
        paper_bgcolor="#FFFFFF",
        plot_bgcolor="#FFFFFF",
        hoverlabel={"bgcolor": "#FFFFFF", "bordercolor": "#9CA3AF", "font": {"color": INK}, "align": "left"},
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 12},
        },
        dragmode=False,
    )
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)


def trial_axis(n: int) -> dict[str, Any]:
    """Return the ticks of an axis of `n` trials: one each where there are few, which plotly would divide."""
    return {"dtick": 1} if n <= _FEW else {}


def curve_mode(n: int) -> str:
    """Return how a line through `n` points is drawn: one point alone has no line."""
    return "lines" if n > 1 else "lines+markers"


def plain(text: str, limit: int = 60) -> str:
    """Return text for a figure: plotly reads some HTML in labels, so it is escaped, and long names are cut."""
    visible = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return html.escape(visible if len(visible) <= limit else f"{visible[: limit - 1]}…", quote=False)


def translucent(colour: str, opacity: float) -> str:
    """Return a `#RRGGBB` colour with an opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def view(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the range of an accuracy axis that shows the bulk of the values well.

    Networks that did not learn lie far below all others and would press these together. Values more than four
    interquartile ranges below the median are left out; the figure marks what lies below its axis.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    first, median, third = (float(q) for q in np.percentile(finite, [25, 50, 75]))
    if third > first:
        low = float(finite[finite >= median - 4 * (third - first)].min())
    pad = 0.06 * (high - low) if high > low else max(0.01 * abs(high), 1e-6)
    return low - pad, high + pad


def finite_or_none(values: npt.NDArray[np.float64]) -> list[float | None]:
    """Return the values as a list with None, which leaves a gap, for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]
