"""The Pareto front of a search with several objectives, and the trial that was chosen of it."""

from __future__ import annotations

from typing import Final

from analognas.report.data import ReportData
from analognas.report.figures.hypervolume import hypervolume_figure
from analognas.report.html import Html, element, table
from analognas.report.page import caption, drawing, empty
from analognas.report.tables import pareto_table
from analognas.report.wording import amount, capitalised, label

_MOST: Final = 50
"""Rows of the front that are shown; pareto.csv has all."""


def front_section(data: ReportData) -> Html | None:
    """Return the front as a table, the chosen trial marked, and the hypervolume over the trials."""
    if len(data.objectives) == 1:
        return None
    front = pareto_table(data.trials, data.upper_bounds, data.objectives)
    if front.empty:
        return empty("No trial has met all constraints, so there is no front.")
    metrics = [objective.metric for objective in data.objectives]
    chosen = None if data.best_trial is None or data.reference else data.best_trial.number
    rows = [
        [
            element("b", {}, f"{row['number']} ←") if row["number"] == chosen else str(row["number"]),
            *(amount(metric, float(row[metric])) for metric in metrics),
        ]
        for _, row in front.head(_MOST).iterrows()
    ]
    head = ["trial", *(label(metric) for metric in metrics)]
    directions = ", ".join(
        f"{label(objective.metric)} {'high' if objective.sign > 0 else 'low'}"
        for objective in data.objectives
    )
    more = f" The first {_MOST} of {len(front)} are shown." if len(front) > _MOST else ""
    arrow = "" if chosen is None else "; the arrow marks the chosen one"
    return Html(
        drawing(hypervolume_figure(data), "Hypervolume after each trial")
        + caption(
            "Share of the box between a point a tenth beyond the worst feasible value of every objective and the best "
            f"ones that the trials so far dominate. {capitalised(directions)}."
        )
        + table(head, rows, range(1, len(head)))
        + caption(f"Feasible trials that no other beats in every objective{arrow}.{more}")
    )
