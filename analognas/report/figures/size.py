"""Accuracy against what a network takes: what the search could choose from."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from analognas.report.data import ReportData
from analognas.report.figures.sample import drawn_trials
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
from analognas.report.wording import amount, axis_title, label, scale
from analognas.strategies.problem import Objective

_REFERENCE_SYMBOLS = ("diamond", "square", "triangle-up", "pentagon")


COSTS: Final = ("parameters", "tiles", "energy_uj", "latency_us")
"""What a figure can have across: metrics of which less is better."""


def size_figure(data: ReportData, cost: str = "parameters", most: int | None = None) -> Any:
    """Draw the objective over a cost of the networks, the Pareto staircase, and the limit on that cost.

    Args:
        data: of the run.
        cost: one of `COSTS`.
        most: trials that are drawn (`drawn_trials`); None for all.
    """
    import plotly.graph_objects as go

    figure = new_figure(460)
    factor, unit = scale(data.objective)
    measured = factor * data.values(data.objective, data.completed)
    full = [factor * network.metrics.get(data.objective, np.nan) for network in data.networks]
    shown_values = np.concatenate([measured, np.array(full, dtype=np.float64)])
    bottom, top = view(shown_values, data.objectives[0].sign)
    drawn = [
        trial for trial, shown in zip(data.completed, drawn_trials(data, most, cost), strict=True) if shown
    ]
    above = [t for t in drawn if factor * t.metrics.get(data.objective, np.nan) >= bottom]
    below = [t for t in drawn if factor * t.metrics.get(data.objective, np.nan) < bottom]
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
                    x=data.values(cost, shown),
                    y=np.maximum(values, floor),
                    customdata=np.stack([[trial.number for trial in shown], values], axis=1),
                    name=name,
                    mode="markers",
                    marker=marker,
                    hovertemplate="trial %{customdata[0]:.0f}: %{customdata[1]:.2f} "
                    + unit
                    + f", %{{x:,.6g}} {_unit(cost)}<extra></extra>",
                )
            )
    _add_staircase(figure, data, factor, cost)
    _add_chosen(figure, data, factor, cost)
    for index, network in enumerate(data.networks):
        best = index == 0
        colour = BEST if best else REFERENCES[(index - 1) % len(REFERENCES)]
        symbol = "star" if best else _REFERENCE_SYMBOLS[(index - 1) % len(_REFERENCE_SYMBOLS)]
        name = plain(f"{network.name}, full budget", 36)
        figure.add_trace(
            go.Scatter(
                x=[network.metrics.get(cost)],
                y=[full[index]],
                name=name,
                mode="markers",
                marker={
                    "size": 16 if best else 12,
                    "symbol": symbol,
                    "color": colour,
                    "line": {"color": "white", "width": 1.2},
                },
                hovertemplate=f"{name}: %{{y:.2f}} {unit}, %{{x:,.6g}} {_unit(cost)}<extra></extra>",
            )
        )
    if cost in data.upper_bounds:
        limit = data.upper_bounds[cost]
        figure.add_vline(x=limit, line={"color": INK, "width": 1.2, "dash": "dash"})
        figure.add_annotation(
            x=np.log10(limit),
            y=0,
            yref="y domain",
            text=f"limit {amount(cost, limit)}",
            showarrow=False,
            xanchor="right",
            yanchor="bottom",
            xshift=-4,
            font={"size": 11, "color": INK},
        )
    figure.update_xaxes(type="log", title_text=axis_title(cost), dtick="D2", tickformat="~s")
    figure.update_yaxes(title_text=axis_title(data.objective), range=[bottom, top])
    return figure


def _unit(cost: str) -> str:
    return scale(cost)[1] or label(cost)


def _add_chosen(figure: Any, data: ReportData, factor: float, cost: str) -> None:
    """Mark the trial that was chosen, as it was measured in the search."""
    chosen = None if data.reference else data.best_trial
    if chosen is None or cost not in chosen.metrics:
        return
    name = f"trial {chosen.number}, chosen as {data.choice}"
    figure.add_scatter(
        x=[chosen.metrics[cost]],
        y=[factor * chosen.metrics[data.objective]],
        name=name,
        mode="markers",
        marker={"size": 17, "symbol": "circle-open", "color": INK, "line": {"width": 1.8}},
        hovertemplate=f"{name}: %{{y:.2f}} {scale(data.objective)[1]}<extra></extra>",
    )


def _add_staircase(figure: Any, data: ReportData, factor: float, cost: str) -> None:
    import plotly.graph_objects as go

    front = pareto_table(data.trials, data.upper_bounds, [data.objectives[0], Objective(cost, -1)])
    if front.empty:
        return
    figure.add_trace(
        go.Scatter(
            x=front[cost],
            y=factor * front[data.objective],
            name="Pareto front",
            mode="lines",
            line={"color": BEST, "width": 1.6, "shape": "hv"},
            hoverinfo="skip",
        )
    )
