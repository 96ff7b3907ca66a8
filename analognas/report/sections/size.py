"""Accuracy against parameters."""

from __future__ import annotations

from analognas.report.data import ReportData
from analognas.report.figures.size import size_figure
from analognas.report.html import Html
from analognas.report.page import caption, drawing, empty
from analognas.report.wording import label


def size_section(data: ReportData) -> Html:
    """Return the trials and the networks over their parameters, with the front."""
    if not data.completed:
        return empty("Drawn as soon as a trial has completed.")
    full = (
        "The large symbols are networks retrained at full budget and measured on the test split, so they need not "
        "lie among the trials, which were measured on the validation split. "
        if data.networks
        else ""
    )
    return Html(
        drawing(size_figure(data), f"{label(data.objective)} over parameters")
        + caption(
            f"{full}The line is the Pareto front of the feasible trials: no other one is both smaller and better."
        )
    )
