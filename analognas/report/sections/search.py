"""The course of the search."""

from __future__ import annotations

from analognas.report.data import ReportData
from analognas.report.figures.search import search_caption, search_figure
from analognas.report.html import Html
from analognas.report.page import caption, drawing, empty
from analognas.report.wording import label


def search_section(data: ReportData) -> Html:
    """Return the objective of every trial, and of the best so far."""
    if not data.trials:
        return empty("Drawn as soon as a trial has finished.")
    return Html(
        drawing(search_figure(data), f"{label(data.objective)} of each trial") + caption(search_caption(data))
    )
