"""Accuracy against parameters: what the search could choose from."""

from __future__ import annotations

from typing import Any

import numpy as np

from analognas.report.data import ReportData
from analognas.report.figures.theme import (
    BELOW_MARKER,
    BELOW_NAME,
    BEST,
    INK,
    QUIET,
    REFERENCES,
    new_figure,
    plain,
    view,
)
from analognas.report.tables import pareto_table
from analognas.report.wording import axis_title, scale
from analognas.strategies.problem import Objective

_REFERENCE_SYMBOLS = ("diamond", "square", "triangle-up", "pentagon")


def size_figure(data: ReportData) -> Any:
    """Draw the objective over the number of parameters, the Pareto staircase and the limit on parameters."""
    import plotly.graph_objects as go

    figure = new_figure(460)
    factor, unit = scale(data.objective)
    measured = factor * data.values(data.objective, data.completed)
    full = [factor * network.metrics.get(data.objective, np.nan) for network in data.networks]
    bottom, top = view(np.concatenate([measured, np.array(full, dtype=np.float64)]))
    above = [t for t in data.completed if factor * t.metrics.get(data.objective, np.nan) >= bottom]
    below = [t for t in data.completed if factor * t.metrics.get(data.objective, np.nan) < bottom]
    edge = bottom + 0.02 * (top - bottom)
    for name, shown, marker, floor in (
        (
            "meets the constraints",
            [trial for trial in above if data.feasible(trial)],
            {"size": 8, "color": BEST, "symbol": "circle", "opacity": 0.6},
            -np.inf,
        ),
        (
            "does not"
            if all(t.at_full_budget for t in data.trials)
            else "does not, or had a part of the budget",
            [trial for trial in above if not data.feasible(trial)],
            {"size": 8, "color": QUIET, "symbol": "circle-open"},
            -np.inf,
        ),
        (BELOW_NAME, below, BELOW_MARKER, edge),
    ):
        if shown:
            values = factor * data.values(data.objective, shown)
            figure.add_trace(
                go.Scatter(
                    x=data.values("parameters", shown),
                    y=np.maximum(values, floor),
                    customdata=np.stack([[trial.number for trial in shown], values], axis=1),
                    name=name,
                    mode="markers",
                    marker=marker,
                    hovertemplate="trial %{customdata[0]:.0f}: %{customdata[1]:.2f} "
                    + unit
                    + ", %{x:,} parameters<extra></extra>",
                )
            )
    _add_staircase(figure, data, factor)
    for index, network in enumerate(data.networks):
        best = index == 0
        colour = BEST if best else REFERENCES[(index - 1) % len(REFERENCES)]
        symbol = "star" if best else _REFERENCE_SYMBOLS[(index - 1) % len(_REFERENCE_SYMBOLS)]
        name = plain(f"{network.name}, full budget", 36)
        figure.add_trace(
            go.Scatter(
                x=[network.metrics.get("parameters")],
                y=[full[index]],
                name=name,
                mode="markers",
                marker={
                    "size": 16 if best else 12,
                    "symbol": symbol,
                    "color": colour,
                    "line": {"color": "white", "width": 1.2},
                },
                hovertemplate=f"{name}: %{{y:.2f}} {unit}, %{{x:,}} parameters<extra></extra>",
            )
        )
    if "parameters" in data.upper_bounds:
        limit = data.upper_bounds["parameters"]
        figure.add_vline(x=limit, line={"color": INK, "width": 1.2, "dash": "dash"})
        figure.add_annotation(
            x=np.log10(limit),
            y=0,
            yref="y domain",
            text=f"limit {limit:,.0f}",
            showarrow=False,
            xanchor="right",
            yanchor="bottom",
            xshift=-4,
            font={"size": 11, "color": INK},
        )
    figure.update_xaxes(type="log", title_text="Parameters", dtick="D2", tickformat="~s")
    figure.update_yaxes(title_text=axis_title(data.objective), range=[bottom, top])
    return figure


def _add_staircase(figure: Any, data: ReportData, factor: float) -> None:
    import plotly.graph_objects as go

    front = pareto_table(data.trials, data.upper_bounds, [data.objectives[0], Objective("parameters", -1)])
    if front.empty:
        return
    figure.add_trace(
        go.Scatter(
            x=front["parameters"],
            y=factor * front[data.objective],
            name="Pareto front",
            mode="lines",
            line={"color": BEST, "width": 1.6, "shape": "hv"},
            hoverinfo="skip",
        )
    )
