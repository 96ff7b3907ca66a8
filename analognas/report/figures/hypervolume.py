"""How much of the space of objectives the front dominates, trial by trial."""

from __future__ import annotations

from typing import Any

import numpy as np

from analognas.report.data import ReportData
from analognas.report.figures.sample import turns
from analognas.report.figures.theme import BEST, curve_mode, new_figure, trial_axis
from analognas.report.tables import hypervolume_table


def hypervolume_figure(data: ReportData) -> Any:
    """Draw the hypervolume of the feasible trials over the trials, a step line: only its turns are points."""
    import plotly.graph_objects as go

    curve = hypervolume_table(data.trials, data.upper_bounds, data.objectives)
    n = len(curve)
    curve = curve[turns(curve["hypervolume"].to_numpy(dtype=np.float64))]
    figure = new_figure(280)
    figure.add_trace(
        go.Scatter(
            x=curve["number"],
            y=curve["hypervolume"],
            mode=curve_mode(n),
            line={"color": BEST, "width": 2, "shape": "hv"},
            hovertemplate="after trial %{x}: %{y:.3f}<extra></extra>",
        )
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title_text="Trial", **trial_axis(n))
    figure.update_yaxes(title_text="Hypervolume", rangemode="tozero")
    return figure
