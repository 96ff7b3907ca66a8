"""What the surrogate predicted against what was measured, one figure a target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analognas.metrics import SIGNS
from analognas.report.data import ReportData
from analognas.report.figures.sample import spread
from analognas.report.figures.theme import BEST, QUIET, REFERENCES, new_figure, view
from analognas.report.wording import scale
from surrogates.kendall import kendall_tau

CROSS_VALIDATED: Final = "cross-validated"
PROSPECTIVE: Final = "before evaluation"
_FEWEST: Final = 3
"""Predictions before evaluation from which on their order is shown."""


@dataclass(frozen=True)
class Comparison:
    """Predictions of one metric that were made without the measurement they are compared with.

    Attributes:
        metric: the target.
        cross_validated: measured and predicted values, each predicted by a surrogate fitted without that
            trial.
        prospective: measured and predicted values of the trials that the surrogate itself proposed, before
            their evaluation.
        tau: Kendall τ of the cross-validated ones, of the prospective ones where there are no others; None
            where it is undefined.
    """

    metric: str
    cross_validated: tuple[Sequence[float], Sequence[float]]
    prospective: tuple[Sequence[float], Sequence[float]]
    tau: float | None


def comparisons(data: ReportData) -> list[Comparison]:
    """Return one comparison for each metric that the surrogate predicted."""
    surrogate = {} if data.result is None else data.result.surrogate
    measured, predicted = surrogate.get("measured", {}), surrogate.get("predicted", {})
    before = dict.fromkeys(metric for trial in data.completed for metric in trial.predicted)
    found = []
    for metric in dict.fromkeys([*measured, *before]):
        pairs = [
            (trial.metrics[metric], trial.predicted[metric])
            for trial in data.completed
            if metric in trial.predicted and metric in trial.metrics
        ]
        prospective = ([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        cross_validated = (list(measured.get(metric, [])), list(predicted.get(metric, [])))
        tau = surrogate.get("tau", {}).get(metric) if cross_validated[0] else _tau(*prospective)
        if cross_validated[0] or pairs:
            found.append(Comparison(metric, cross_validated, prospective, tau))
    return found


def prediction_figure(comparison: Comparison, most: int | None = None) -> Any:
    """Draw predicted over measured values with the line on which they are equal.

    Args:
        comparison: what is drawn.
        most: points of each kind that are drawn, evenly spread in the order of the trials; None for all.
    """
    import plotly.graph_objects as go

    figure = new_figure(300)
    figure.update_layout(showlegend=False)
    factor, unit = scale(comparison.metric)
    span = view(factor * _points(comparison).ravel(), SIGNS.get(comparison.metric, 1))
    figure.add_trace(
        go.Scatter(
            x=span,
            y=span,
            mode="lines",
            line={"color": QUIET, "width": 1, "dash": "dash"},
            showlegend=False,
            hoverinfo="skip",
        )
    )
    for name, (measured, predicted), colour, symbol in (
        (CROSS_VALIDATED, comparison.cross_validated, BEST, "circle"),
        (PROSPECTIVE, comparison.prospective, REFERENCES[0], "diamond-open"),
    ):
        drawn = spread(len(measured), most)
        if measured:
            figure.add_trace(
                go.Scatter(
                    x=factor * np.array(measured)[drawn],
                    y=factor * np.array(predicted)[drawn],
                    name=name,
                    mode="markers",
                    marker={"size": 7, "color": colour, "symbol": symbol, "opacity": 0.8},
                    hovertemplate=f"measured %{{x:.2f}} {unit}<br>predicted %{{y:.2f}} {unit}<extra>{name}</extra>",
                )
            )
    suffix = f" ({unit})" if unit else ""
    figure.update_xaxes(title_text=f"Measured{suffix}", range=span, nticks=6)
    figure.update_yaxes(title_text=f"Predicted{suffix}", range=span, nticks=6)
    return figure


def tau_text(comparison: Comparison) -> str:
    """Return such as `Kendall τ 0.81 · before evaluation 0.35 (32) · 2 points outside the axes`."""
    tau = comparison.tau
    text = "Kendall τ undefined" if tau is None or math.isnan(tau) else f"Kendall τ {tau:.2f}"
    before = comparison.prospective
    n = len(comparison.cross_validated[0] or before[0])
    if n < _FEWEST:
        text = f"too few predictions for Kendall τ ({n})"
    if comparison.cross_validated[0] and len(before[0]) >= _FEWEST:
        ranked = _tau(*before)
        shown = "undefined" if ranked is None or math.isnan(ranked) else f"{ranked:.2f}"
        text = f"{text} · before evaluation {shown} ({len(before[0])})"
    points = _points(comparison)
    low, high = view(points.ravel(), SIGNS.get(comparison.metric, 1))
    outside = int(((points < low) | (points > high)).any(axis=0).sum())
    return (
        text
        if not outside
        else f"{text} · {outside} {'point' if outside == 1 else 'points'} outside the axes"
    )


def _points(comparison: Comparison) -> npt.NDArray[np.float64]:
    """Return measured and predicted values, `(2, n)`."""
    return np.concatenate(
        [np.array(pair) for pair in (comparison.cross_validated, comparison.prospective)], axis=1
    )


def _tau(measured: Sequence[float], predicted: Sequence[float]) -> float | None:
    return kendall_tau(measured, predicted) if len(measured) > 1 else None
