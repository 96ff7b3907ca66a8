"""Accuracy against what a network takes: parameters, tiles, energy and latency."""

from __future__ import annotations

from analognas.report.data import ReportData
from analognas.report.figures.sample import MOST_POINTS, drawn_trials, left_out
from analognas.report.figures.size import COSTS, size_figure
from analognas.report.html import Html, element, joined
from analognas.report.page import caption, drawing, empty
from analognas.report.wording import capitalised, label


def size_section(data: ReportData) -> Html:
    """Return the trials and the networks over each cost that was measured, with the front."""
    if not data.completed:
        return empty("Drawn as soon as a trial has completed.")
    full = (
        "The large symbols are networks retrained at full budget and measured on the test split, so they need not "
        "lie among the trials, which were measured on the validation split. "
        if data.networks
        else ""
    )
    parts = []
    for cost in costs_of(data):
        described = f"{label(data.objective)} over {label(cost)}"
        parts += [
            element("h3", {}, f"Against {capitalised(label(cost))}"),
            drawing(size_figure(data, cost, MOST_POINTS), described),
        ]
    chosen = "" if data.reference or data.best_trial is None else " The ring marks the trial that was chosen."
    parts.append(
        caption(
            f"{full}The line is the Pareto front of the feasible trials: no other one takes less and is better.{chosen}"
            f"{left_out(drawn_trials(data, MOST_POINTS, 'parameters'), 'parameters')}"
        )
    )
    return joined(parts)


def costs_of(data: ReportData) -> list[str]:
    """Return the costs that trials have, and that differ between them; the parameters always."""
    return [
        cost
        for cost in COSTS
        if cost == "parameters"
        or len({trial.metrics[cost] for trial in data.completed if trial.metrics.get(cost, 0) > 0}) > 1
    ]
