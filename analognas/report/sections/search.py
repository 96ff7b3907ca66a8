"""The course of the search, with what happened in it."""

from __future__ import annotations

from typing import Final

from analognas.report.data import ReportData
from analognas.report.events import duplicates, events
from analognas.report.figures.sample import MOST_POINTS
from analognas.report.figures.search import search_caption, search_figure
from analognas.report.html import Html, element, table
from analognas.report.page import caption, drawing, empty
from analognas.report.wording import label

_MOST: Final = 200
"""Events that are listed."""


def search_section(data: ReportData) -> Html:
    """Return the objective of every trial, and of the best so far."""
    if not data.trials:
        return empty("Drawn as soon as a trial has finished.")
    happened = events(data)
    rows = [[str(event.trial), event.text] for event in happened[:_MOST]]
    count = f"{len(happened):,} {'event' if len(happened) == 1 else 'events'}"
    listed = element("details", {}, element("summary", {}, count), table(["trial", "event"], rows, (0,)))
    return Html(
        drawing(search_figure(data, MOST_POINTS), f"{label(data.objective)} of each trial")
        + caption(search_caption(data, MOST_POINTS))
        + element("p", {}, duplicates(data))
        + listed
    )
