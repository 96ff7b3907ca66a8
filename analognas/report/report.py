"""report.html: everything a run found out, in one file that opens offline."""

from __future__ import annotations

from pathlib import Path

from analognas.record.directory import write_atomically
from analognas.report.data import ReportData
from analognas.report.html import Html, element
from analognas.report.page import caption, drawing, empty, page, section
from analognas.report.sections.comparison import drift_table, top_ten
from analognas.report.sections.constraints import constraint_summary, failures
from analognas.report.sections.finalists import finalists_section
from analognas.report.sections.front import front_section
from analognas.report.sections.key_figures import header
from analognas.report.sections.provenance import reproduction
from analognas.report.wording import capitalised, label


def write_report(path: Path, data: ReportData) -> None:
    """Write the report, whole or not at all; about 5 MB, nearly all of it plotly.js.

    Raises:
        OSError: when the file cannot be written.
    """
    write_atomically(path, report_html(data))


def report_html(data: ReportData) -> str:
    """Return the report as one HTML document."""
    return page(
        f"{data.name} · analognas",
        [
            header(data),
            section("Accuracy over drift time", _drift(data)),
            section("Course of the search", _search(data)),
            section("Predicted against measured", _predictions(data)),
            section("Accuracy against parameters", _size(data)),
            *([section("Pareto front", front_section(data))] if len(data.objectives) > 1 else []),
            *(
                [section("Finalists", finalists_section(data.result))]
                if data.result is not None and data.result.finalists
                else []
            ),
            section("Ten best trials", top_ten(data)),
            section("Constraints", constraint_summary(data)),
            section("Failed trials", failures(data)),
            section("Reproduce", reproduction(data)),
        ],
    )


def _drift(data: ReportData) -> Html:
    from analognas.report.figures.drift import curves, drift_figure

    split, shown = curves(data)
    if not shown:
        return empty("No trial has completed, so there is no network to show.")
    names = ", ".join(entry.name for entry in shown)
    budget = "trained at full budget" if data.networks else "trained at the budget of a trial"
    return Html(
        drawing(drift_figure(shown), f"Accuracy over time since programming of {names}")
        + caption(
            f"Mean over chips on the {split} split, {budget}; the band is one standard deviation over "
            "chips, thin lines are single chips. The dotted line is the accuracy of the same weights in floating point."
        )
        + drift_table(shown)
    )


def _search(data: ReportData) -> Html:
    from analognas.report.figures.search import search_caption, search_figure

    if not data.trials:
        return empty("Drawn as soon as a trial has finished.")
    return Html(
        drawing(search_figure(data), f"{label(data.objective)} of each trial") + caption(search_caption(data))
    )


def _predictions(data: ReportData) -> Html:
    from analognas.report.figures.prediction import (
        CROSS_VALIDATED,
        PROSPECTIVE,
        comparisons,
        prediction_figure,
        tau_text,
    )
    from analognas.report.figures.theme import BEST, REFERENCES

    found = comparisons(data)
    if not found:
        return empty("No surrogate has predicted anything in this run.")
    grid = [
        element(
            "div",
            {},
            element("h3", {}, capitalised(label(comparison.metric))),
            element("p", {"class": "tau"}, tau_text(comparison)),
            drawing(prediction_figure(comparison), f"Predicted against measured {label(comparison.metric)}"),
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
        "Before evaluation: what the surrogate of that moment predicted of the candidates it proposed, which are "
        "alike and hence harder to rank. On the dashed line prediction and measurement are equal."
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
    return Html(legend + element("div", {"class": "grid"}, *grid) + caption(how + before))


def _size(data: ReportData) -> Html:
    from analognas.report.figures.size import size_figure

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
