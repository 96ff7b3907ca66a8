"""report.html: everything a run found out, in one file that opens offline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from analognas.record.directory import write_atomically
from analognas.report.data import ReportData
from analognas.report.html import Html
from analognas.report.page import anchor_of, page, section
from analognas.report.sections.answer import answer_section
from analognas.report.sections.chip_cost import chip_cost_section
from analognas.report.sections.constraints import constraint_summary, failures
from analognas.report.sections.drift import drift_section
from analognas.report.sections.finalists import finalists_section
from analognas.report.sections.front import front_section
from analognas.report.sections.key_figures import header
from analognas.report.sections.layers import layers_section
from analognas.report.sections.learned import learned_section
from analognas.report.sections.predictions import predictions_section
from analognas.report.sections.provenance import reproduction
from analognas.report.sections.search import search_section
from analognas.report.sections.size import size_section
from analognas.report.sections.top_ten import top_ten

Section: TypeAlias = Callable[[ReportData], Html | None]
"""From what a run found out to the content of a section; None leaves the section out."""

SECTIONS: Final[Mapping[str, Section]] = {
    "The network": answer_section,
    "Accuracy over drift time": drift_section,
    "Accuracy against cost": size_section,
    "Pareto front": front_section,
    "Layers and tiles": layers_section,
    "Cost on the chip": chip_cost_section,
    "Course of the search": search_section,
    "Predicted against measured": predictions_section,
    "What the search learned": learned_section,
    "Finalists": finalists_section,
    "Ten best trials": top_ten,
    "Constraints": constraint_summary,
    "Failed trials": failures,
    "Reproduce": reproduction,
}
"""The sections below the main figures by their headings, in the order of the page."""


def write_report(path: Path, data: ReportData) -> None:
    """Write the report, whole or not at all: 0.1 MB, up to 2 MB of a long search (`figures.sample`).

    Raises:
        OSError: when the file cannot be written.
    """
    write_atomically(path, report_html(data))


def report_html(data: ReportData) -> str:
    """Return the report as one HTML document."""
    contents = [(title, write(data)) for title, write in SECTIONS.items()]
    shown = [(title, content) for title, content in contents if content is not None]
    body = [section(title, content) for title, content in shown]
    links = [(anchor_of(title), title) for title, _ in shown]
    return page(f"{data.name} · analognas", [header(data), *body], links)
