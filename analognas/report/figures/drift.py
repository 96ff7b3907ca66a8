"""Accuracy over time since programming: mean, spread over chips, and every chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analognas.record.trial import DriftRecord
from analognas.report.data import ReportData
from analognas.report.figures.theme import BEST, QUIET, REFERENCES, new_figure, plain, translucent
from analognas.specs.durations import DAY_S, HOUR_S, MONTH_S, SECOND_S, YEAR_S, time_label

SPLITS: Final = ("test", "validation")
MARKED_S: Final = (SECOND_S, HOUR_S, DAY_S, MONTH_S, YEAR_S)
_CHIPS_SHOWN: Final = 50
_DASHES: Final = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class NamedCurve:
    """One network's accuracy over time.

    Attributes:
        name: in the legend.
        curve: accuracy of every chip at every time.
        digital: its accuracy in floating point on the same split, None where unknown.
    """

    name: str
    curve: DriftRecord
    digital: float | None


def curves(data: ReportData) -> tuple[str, list[NamedCurve]]:
    """Return the split that is shown and the curves on it: at full budget, else that of the best trial so far."""
    for split in SPLITS:
        found = [
            NamedCurve(network.name, network.curves[split], network.digital_accuracy.get(split))
            for network in data.networks
            if split in network.curves
        ]
        if found:
            return split, found
    best = data.best_trial
    if best is None or best.curve is None:
        return "validation", []
    return "validation", [
        NamedCurve(f"best trial so far ({best.number})", best.curve, best.metrics.get("digital_accuracy"))
    ]


def drift_figure(shown: Sequence[NamedCurve]) -> Any:
    """Draw accuracy in % over the logarithm of time."""
    import plotly.graph_objects as go

    figure = new_figure(440)
    times: set[float] = set()
    looks = [
        (BEST if index == 0 else REFERENCES[(index - 1) % len(REFERENCES)], _DASHES[index % len(_DASHES)])
        for index in range(len(shown))
    ]
    for entry, (colour, _) in zip(shown, looks, strict=True):
        _add_spread(figure, entry, colour, share=1 / len(shown))
        times |= set(entry.curve.times_s)
    for entry, (colour, dash) in zip(shown, looks, strict=True):
        _add_mean(figure, entry, colour, dash)
    if any(entry.digital is not None for entry in shown):
        line = {"color": QUIET, "width": 1.2, "dash": "dot"}
        figure.add_trace(go.Scatter(x=[None], y=[None], name="digital", mode="lines", line=line))
    ticks = sorted(time for time in times if time in MARKED_S) or sorted(times)
    figure.update_xaxes(
        type="log",
        title_text="Time since programming",
        tickvals=ticks,
        ticktext=[time_label(time) for time in ticks],
        autotickangles=[0, -40],
    )
    figure.update_yaxes(title_text="Accuracy (%)")
    return figure


def _add_spread(figure: Any, entry: NamedCurve, colour: str, share: float) -> None:
    """Draw every chip and the band of a standard deviation, the fainter the more curves share the figure."""
    import plotly.graph_objects as go

    times = list(entry.curve.times_s)
    accuracy = 100 * np.asarray(entry.curve.accuracy, dtype=np.float64)
    mean, spread = accuracy.mean(axis=1), _spread(accuracy)
    group = {"legendgroup": plain(entry.name, 36), "hoverinfo": "skip", "showlegend": False}
    chips = accuracy[:, :_CHIPS_SHOWN].T
    figure.add_trace(
        go.Scatter(
            x=[value for _ in chips for value in (*times, None)],
            y=[value for chip in chips.tolist() for value in (*chip, None)],
            mode="lines",
            line={"color": translucent(colour, 0.08 + 0.14 * share), "width": 0.8},
            **group,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[*times, *times[::-1]],
            y=[*(mean + spread), *(mean - spread)[::-1]],
            fill="toself",
            fillcolor=translucent(colour, 0.06 + 0.10 * share),
            line={"color": translucent(colour, 0.6 if share < 1 else 0.0), "width": 1},
            mode="lines",
            **group,
        )
    )


def _add_mean(figure: Any, entry: NamedCurve, colour: str, dash: str) -> None:
    import plotly.graph_objects as go

    times = list(entry.curve.times_s)
    accuracy = 100 * np.asarray(entry.curve.accuracy, dtype=np.float64)
    spread = _spread(accuracy)
    name = plain(entry.name, 36)
    figure.add_trace(
        go.Scatter(
            x=times,
            y=accuracy.mean(axis=1),
            name=name,
            legendgroup=name,
            mode="lines+markers",
            line={"color": colour, "width": 2.5, "dash": dash},
            marker={"size": 8, "color": colour, "line": {"color": "white", "width": 1}},
            customdata=[
                [time_label(time), value] for time, value in zip(times, spread.tolist(), strict=True)
            ],
            hovertemplate=f"{name}<br>%{{customdata[0]}}: %{{y:.2f}} ± %{{customdata[1]:.2f}} %<extra></extra>",
        )
    )
    if entry.digital is not None:
        figure.add_trace(
            go.Scatter(
                x=[times[0], times[-1]],
                y=[100 * entry.digital] * 2,
                mode="lines",
                line={"color": colour, "width": 1.2, "dash": "dot"},
                legendgroup=name,
                showlegend=False,
                hovertemplate=f"{name}, digital: %{{y:.2f}} %<extra></extra>",
            )
        )


def _spread(accuracy: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the standard deviation over chips, one value a time; 0 for a single chip."""
    return accuracy.std(axis=1, ddof=1) if accuracy.shape[1] > 1 else np.zeros(len(accuracy))
