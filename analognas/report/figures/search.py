"""The course of the search: every trial's objective, the best so far, and the share that met the constraints."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from analognas.report.data import ReportData
from analognas.report.figures.theme import (
    FAILED,
    INK,
    PHASE_SYMBOLS,
    PHASES,
    QUIET,
    finite_or_none,
    plain,
    style_figure,
    view,
)
from analognas.report.progress import best_so_far
from analognas.report.wording import axis_title, label, scale

_MANY: Final = 150
"""Trials from which on the symbols are drawn smaller."""


def search_figure(data: ReportData) -> Any:
    """Draw the objective over the trials, and below it the running share of feasible ones."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.77, 0.23], vertical_spacing=0.06)
    style_figure(figure, 520)
    factor, unit = scale(data.objective)
    trials = list(data.trials)
    numbers = np.array([trial.number for trial in trials])
    values = factor * data.values(data.objective, trials)
    feasible = np.array(
        [trial.status == "completed" and data.feasible(trial) for trial in trials], dtype=np.bool_
    )
    bottom, top = view(values)
    below = values < bottom

    origins = list(dict.fromkeys(trial.origin for trial in trials))
    for index, origin in enumerate(origins):
        own = np.array([trial.origin == origin for trial in trials]) & ~np.isnan(values) & ~below
        colour = PHASES[index % len(PHASES)]
        symbol = PHASE_SYMBOLS[index % len(PHASE_SYMBOLS)]
        figure.add_trace(
            go.Scatter(
                x=numbers[own],
                y=values[own],
                name=plain(origin, 40),
                mode="markers",
                marker={
                    "size": 8 if len(trials) <= _MANY else 6,
                    # filled: meets the constraints; open: does not
                    "symbol": [symbol if ok else f"{symbol}-open" for ok in feasible[own]],
                    "color": colour,
                    "line": {"width": 1.2, "color": colour},
                },
                hovertemplate=f"trial %{{x}}: %{{y:.2f}} {unit}<extra>{plain(origin, 40)}</extra>",
            ),
            row=1,
            col=1,
        )
    best = best_so_far(values, feasible)
    figure.add_trace(
        go.Scatter(
            x=numbers,
            y=finite_or_none(best),
            showlegend=bool(np.isfinite(best).any()),
            name="best so far",
            mode="lines",
            line={"color": INK, "width": 2, "shape": "hv"},
            hovertemplate=f"best after trial %{{x}}: %{{y:.2f}} {unit}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    if below.any():
        figure.add_trace(
            go.Scatter(
                x=numbers[below],
                y=np.full(int(below.sum()), bottom + 0.02 * (top - bottom)),
                customdata=values[below],
                name="below the axis",
                mode="markers",
                marker={"size": 9, "symbol": "triangle-down-open", "color": QUIET, "line": {"width": 1.4}},
                hovertemplate=f"trial %{{x}}: %{{customdata:.2f}} {unit}<extra>below the axis</extra>",
            ),
            row=1,
            col=1,
        )
    failed = data.failed
    if failed:
        figure.add_trace(
            go.Scatter(
                x=[trial.number for trial in failed],
                y=[bottom + 0.02 * (top - bottom)] * len(failed),
                text=[plain(trial.failure.reason if trial.failure else "", 90) for trial in failed],
                name="failed",
                mode="markers",
                marker={"size": 9, "symbol": "x-thin", "line": {"color": FAILED, "width": 2}},
                hovertemplate="trial %{x} failed: %{text}<extra></extra>",
            ),
            row=1,
            col=1,
        )
    share = 100 * np.cumsum(feasible) / np.arange(1, len(trials) + 1)
    figure.add_trace(
        go.Scatter(
            x=numbers,
            y=share,
            mode="lines",
            line={"color": QUIET, "width": 1.8},
            fill="tozeroy",
            fillcolor="rgba(107,114,128,0.12)",
            showlegend=False,
            hovertemplate="after trial %{x}: %{y:.0f} % met the constraints<extra></extra>",
        ),
        row=2,
        col=1,
    )
    measured = bool(np.isfinite(values).any())
    figure.update_yaxes(title_text=axis_title(data.objective), range=[bottom, top], row=1, col=1)
    figure.update_yaxes(showticklabels=measured, showgrid=measured, row=1, col=1)
    figure.update_yaxes(title_text="Feasible (%)", range=[0, 105], tickvals=[0, 50, 100], row=2, col=1)
    figure.update_xaxes(title_text="Trial, in order of completion", row=2, col=1)
    figure.update_xaxes(range=[-0.02 * len(trials) - 0.5, 1.02 * len(trials) - 0.5])
    return figure


def search_caption(data: ReportData) -> str:
    """Return how to read the figure."""
    return (
        f"Above: {label(data.objective)} of every trial; filled symbols meet all constraints, open ones do not; "
        "the line is the best feasible value so far. Below: the share of all trials so far that met the constraints."
    )
