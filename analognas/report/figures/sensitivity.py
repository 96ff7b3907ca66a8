"""What each layer costs in accuracy, with its interval over chips."""

from __future__ import annotations

from typing import Any, Final

from analognas.record.layer_sensitivity import LayerSensitivity
from analognas.report.figures.theme import BEST, INK, QUIET, new_figure, plain
from analognas.specs.durations import time_label

LAYERS_SHOWN: Final = 40


def sensitivity_figure(found: LayerSensitivity) -> Any:
    """Draw a bar a layer, the most expensive on top; a grey one is level with no loss."""
    rows = found.layers[:LAYERS_SHOWN][::-1]  # the first is drawn at the bottom
    places = list(range(len(rows)))
    figure = new_figure(96 + 26 * len(rows))
    figure.add_bar(
        x=[100 * row.cost for row in rows],
        y=places,
        orientation="h",
        marker={"color": [QUIET if row.is_level else BEST for row in rows], "opacity": 0.8},
        customdata=[
            f"{plain(row.layer, 80)}: {100 * row.cost:.2f} points, 95 % interval {100 * row.low:.2f} to "
            f"{100 * row.high:.2f}, {100 * row.share_of_weights:.1f} % of the weights"
            for row in rows
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    for place, row in zip(places, rows, strict=True):
        ends = [100 * row.low, 100 * row.high]
        figure.add_scatter(
            x=ends, y=[place] * 2, mode="lines", line={"color": INK, "width": 1.6}, hoverinfo="skip"
        )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title_text=f"Accuracy lost {time_label(found.t_s)} after programming (points)")
    figure.update_yaxes(tickvals=places, ticktext=[plain(row.layer, 44) for row in rows], showgrid=False)
    return figure
