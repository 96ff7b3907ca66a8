"""The course of the search: every trial's objective, the best so far, and the share that met the constraints."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analognas.report.data import ReportData
from analognas.report.events import events
from analognas.report.figures.sample import drawn_trials, left_out, spread, turns
from analognas.report.figures.theme import (
    BELOW_MARKER,
    BELOW_NAME,
    FAILED,
    INK,
    PHASE_SYMBOLS,
    PHASES,
    QUIET,
    curve_mode,
    finite_or_none,
    plain,
    style_figure,
    translucent,
    trial_axis,
    view,
)
from analognas.report.progress import best_so_far
from analognas.report.wording import axis_title, label, scale

_TURNS_SHOWN: Final = 8
_MANY: Final = 150
"""Trials from which on the symbols are drawn smaller."""


def search_figure(data: ReportData, most: int | None = None) -> Any:
    """Draw the objective over the trials, and below it the running share of feasible ones.

    Args:
        data: of the run.
        most: trials that are drawn as symbols (`drawn_trials`); None for all.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.77, 0.23], vertical_spacing=0.06)
    style_figure(figure, 520)
    trials = list(data.trials)
    values = scale(data.objective)[0] * data.values(data.objective, trials)
    feasible = np.array([data.feasible(trial) for trial in trials], dtype=np.bool_)
    drawn = drawn_trials(data, most)
    bottom, top = view(values, data.objectives[0].sign)
    edge = bottom + 0.02 * (top - bottom)
    upper = [
        *_trials(data, values, feasible, drawn & (values >= bottom)),
        _best(
            data,
            best_so_far(values, np.array([data.worth(trial) for trial in trials], dtype=np.float64)),
            every=bool(drawn.all()),
        ),
        *_below(data, values, drawn & (values < bottom), edge),
        *_failed(data, drawn, edge),
    ]
    figure.add_traces(upper, rows=1, cols=1)
    figure.add_trace(_share(data, feasible, spread(len(trials), most)), row=2, col=1)
    for event in [event for event in events(data) if event.turns][:_TURNS_SHOWN]:
        line = {"color": QUIET, "width": 1, "dash": "dot"}
        figure.add_vline(x=event.trial - 0.5, line=line, row=1, col=1)

    measured = bool(np.isfinite(values).any())
    figure.update_yaxes(title_text=axis_title(data.objective), range=[bottom, top], row=1, col=1)
    figure.update_yaxes(showticklabels=measured, showgrid=measured, row=1, col=1)
    figure.update_yaxes(title_text="Feasible (%)", range=[0, 105], tickvals=[0, 50, 100], row=2, col=1)
    figure.update_xaxes(title_text="Trial, in the order of the record", row=2, col=1)
    figure.update_xaxes(trial_axis(len(trials)))
    figure.update_xaxes(range=[0.5 - 0.02 * len(trials), 0.5 + 1.02 * len(trials)])
    return figure


def _trials(
    data: ReportData,
    values: npt.NDArray[np.float64],
    feasible: npt.NDArray[np.bool_],
    drawn: npt.NDArray[np.bool_],
) -> list[Any]:
    """Return the symbols of each origin: filled ones meet the constraints, open ones do not."""
    import plotly.graph_objects as go

    numbers = _numbers(data)
    size = 8 if len(numbers) <= _MANY else 6
    unit = scale(data.objective)[1]
    traces = []
    for index, origin in enumerate(dict.fromkeys(trial.origin for trial in data.completed)):
        shown = np.array([trial.origin == origin for trial in data.trials]) & drawn
        name, group = plain(origin, 36), f"origin-{index}"
        colour, symbol = PHASES[index % len(PHASES)], PHASE_SYMBOLS[index % len(PHASE_SYMBOLS)]
        outline = {"width": 1.2, "color": colour}
        # the legend shows the first symbol of a trace, so the filled one is a trace of its own
        sample = {"size": 8, "symbol": symbol, "color": colour, "line": outline}
        traces.append(
            go.Scatter(x=[None], y=[None], name=name, mode="markers", marker=sample, legendgroup=group)
        )
        traces.append(
            go.Scatter(
                x=numbers[shown],
                y=values[shown],
                mode="markers",
                marker={
                    "size": size,
                    "symbol": [symbol if ok else f"{symbol}-open" for ok in feasible[shown]],
                    "color": colour,
                    "line": outline,
                },
                legendgroup=group,
                showlegend=False,
                hovertemplate=f"trial %{{x}}: %{{y:.2f}} {unit}<extra>{name}</extra>",
            )
        )
    return traces


def _best(data: ReportData, best: npt.NDArray[np.float64], *, every: bool) -> Any:
    import plotly.graph_objects as go

    needed = np.ones(len(best), dtype=np.bool_) if every else turns(best)
    return go.Scatter(
        x=_numbers(data)[needed],
        y=finite_or_none(best[needed]),
        showlegend=bool(np.isfinite(best).any()),
        name="best so far",
        mode="lines",
        line={"color": INK, "width": 2, "shape": "hv"},
        hovertemplate=f"best after trial %{{x}}: %{{y:.2f}} {scale(data.objective)[1]}<extra></extra>",
    )


def _below(
    data: ReportData, values: npt.NDArray[np.float64], below: npt.NDArray[np.bool_], edge: float
) -> list[Any]:
    """Return the trials that lie below the axis, at its edge; none where there are none."""
    import plotly.graph_objects as go

    if not below.any():
        return []
    return [
        go.Scatter(
            x=_numbers(data)[below],
            y=np.full(int(below.sum()), edge),
            customdata=values[below],
            name=BELOW_NAME,
            mode="markers",
            marker=BELOW_MARKER,
            hovertemplate=f"trial %{{x}}: %{{customdata:.2f}} {scale(data.objective)[1]}<extra></extra>",
        )
    ]


def _failed(data: ReportData, drawn: npt.NDArray[np.bool_], edge: float) -> list[Any]:
    """Return the failed trials, at the edge of the axis; none where there are none."""
    import plotly.graph_objects as go

    failed = [trial for trial, shown in zip(data.trials, drawn, strict=True) if shown and trial.failure]
    if not failed:
        return []
    return [
        go.Scatter(
            x=[trial.number for trial in failed],
            y=[edge] * len(failed),
            text=[plain(trial.failure.reason if trial.failure else "", 90) for trial in failed],
            name="failed",
            mode="markers",
            marker={"size": 9, "symbol": "x-thin", "line": {"color": FAILED, "width": 2}},
            hovertemplate="trial %{x} failed: %{text}<extra></extra>",
        )
    ]


def _share(data: ReportData, feasible: npt.NDArray[np.bool_], drawn: npt.NDArray[np.bool_]) -> Any:
    import plotly.graph_objects as go

    return go.Scatter(
        x=_numbers(data)[drawn],
        y=(100 * np.cumsum(feasible) / np.arange(1, len(feasible) + 1))[drawn],
        mode=curve_mode(len(feasible)),
        line={"color": QUIET, "width": 1.8},
        fill="tozeroy",
        fillcolor=translucent(QUIET, 0.12),
        showlegend=False,
        hovertemplate="after trial %{x}: %{y:.0f} % met the constraints<extra></extra>",
    )


def _numbers(data: ReportData) -> npt.NDArray[np.int64]:
    return np.array([trial.number for trial in data.trials], dtype=np.int64)


def search_caption(data: ReportData, most: int | None = None) -> str:
    """Return how to read the figure, and what it leaves out."""
    open_ones = (
        "do not"
        if all(trial.at_full_budget for trial in data.trials)
        else "do not or had a part of the budget"
    )
    return (
        f"Above: {label(data.objective)} of every trial; filled symbols meet all constraints, open ones {open_ones}; "
        "the line is that of the best trial so far; at a dotted upright line another part of the strategy began to "
        f"propose. Below: the share of all trials so far that met the constraints.{left_out(drawn_trials(data, most))}"
    )
