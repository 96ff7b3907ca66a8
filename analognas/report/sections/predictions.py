"""What the surrogate predicted against what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analognas.report.data import ReportData
from analognas.report.figures.prediction import (
    CROSS_VALIDATED,
    PROSPECTIVE,
    Comparison,
    comparisons,
    prediction_figure,
    tau_text,
)
from analognas.report.figures.theme import BEST, REFERENCES
from analognas.report.html import Html, element
from analognas.report.page import caption, drawing, empty
from analognas.report.wording import capitalised, label

_MOST: Final = 400
"""Points of each kind that a figure draws."""


def predictions_section(data: ReportData) -> Html:
    """Return one figure a target of the surrogate, with Kendall's τ."""
    found = comparisons(data)
    if not found:
        return empty("No surrogate has predicted anything in this run.")
    grid = [
        element(
            "div",
            {},
            element("h3", {}, capitalised(label(comparison.metric))),
            element("p", {"class": "tau"}, tau_text(comparison)),
            drawing(
                prediction_figure(comparison, _MOST),
                f"Predicted against measured {label(comparison.metric)}",
                small=True,
            ),
        )
        for comparison in found
    ]
    surrogate = {} if data.result is None else data.result.surrogate
    how = (
        f"Cross-validated on {surrogate.get('trials', '?')} trials in {surrogate.get('folds', '?')} folds: every "
        "value is predicted by a surrogate fitted without it, and τ is computed on these. "
        if surrogate
        else "τ is computed on the predictions made before evaluation. "
    )
    before = (
        "Before evaluation, with the number of trials: what the surrogate of that moment predicted of the candidates "
        "it proposed, which are alike and hence harder to rank. On the dashed line both are equal."
    )
    legend = element(
        "p",
        {"class": "legend"},
        *(
            element("span", {}, element("span", {"style": f"color: {colour}"}, symbol), f" {name}")
            for name, symbol, colour, there in (
                (CROSS_VALIDATED, "●", BEST, any(c.cross_validated[0] for c in found)),
                (PROSPECTIVE, "◇", REFERENCES[0], any(c.prospective[0] for c in found)),
            )
            if there
        ),
    )
    return Html(legend + element("div", {"class": "grid"}, *grid) + caption(how + before + _left_out(found)))


def _left_out(found: Sequence[Comparison]) -> str:
    """Return a sentence on the points that are not drawn; empty where all are."""
    n = max(len(points[0]) for one in found for points in (one.cross_validated, one.prospective))
    if n <= _MOST:
        return ""
    return f" Of up to {n:,} points of a kind {_MOST} are drawn, evenly spread over the search; τ is that of all."
