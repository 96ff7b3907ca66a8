"""The look that every figure shares.

Colours are those of Okabe and Ito, which people with any common colour vision deficiency can tell apart; no
figure relies on colour alone, symbols and line styles differ too.

References:
    M. Okabe, K. Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

import html
from typing import Any, Final

from hwsim.optional_library import needs

BEST: Final = "#0072B2"
REFERENCES: Final = ("#D55E00", "#009E73", "#CC79A7", "#8C6D00")
INK: Final = "#1F2937"
QUIET: Final = "#6B7280"
GRID: Final = "#E5E7EB"
FONT: Final = '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def new_figure(height: int) -> Any:
    """Return an empty figure in the common look; its width follows the page."""
    needs("plotly", "a figure")
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


def plain(text: str, limit: int = 60) -> str:
    """Return text for a figure: plotly reads some HTML in labels, so it is escaped, and long names are cut."""
    visible = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return html.escape(visible if len(visible) <= limit else f"{visible[: limit - 1]}…", quote=False)


def translucent(colour: str, opacity: float) -> str:
    """Return a `#RRGGBB` colour with an opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
