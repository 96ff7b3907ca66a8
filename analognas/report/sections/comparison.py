"""Tables of networks: accuracy at every time next to the references, and the ten best trials."""

from __future__ import annotations

import numpy as np

from analognas.report.data import ReportData
from analognas.report.figures.drift import NamedCurve
from analognas.report.html import Html, element, table
from analognas.report.wording import accuracy_with_spread, amount, architecture_text, label
from analognas.specs.durations import time_label

_TOP = 10


def drift_table(shown: list[NamedCurve]) -> Html:
    """Return mean accuracy and spread over chips of each network at each time."""
    times = list(dict.fromkeys(time for entry in shown for time in entry.curve.times_s))
    rows = []
    for entry in shown:
        accuracy = {
            time: np.asarray(chips)
            for time, chips in zip(entry.curve.times_s, entry.curve.accuracy, strict=True)
        }
        cells = [
            accuracy_with_spread(float(accuracy[time].mean()), float(accuracy[time].std(ddof=1)))
            if time in accuracy and accuracy[time].size > 1
            else accuracy_with_spread(float(accuracy[time].mean()) if time in accuracy else None, None)
            for time in times
        ]
        chips = str(len(entry.curve.accuracy[0])) if entry.curve.accuracy else "–"
        rows.append([entry.name, chips, amount("digital_accuracy", entry.digital), *cells])
    head = ["network", "chips", "digital", *(time_label(time) for time in times)]
    return table(head, rows, range(1, len(head)))


def top_ten(data: ReportData) -> Html:
    """Return the ten trials that are worth most."""
    trials = data.ranked[:_TOP]
    if not trials:
        return element("p", {"class": "empty"}, "No trial has completed.")
    note = Html("")
    if not data.n_feasible:
        note = element(
            "p", {"class": "warning"}, "No trial met all constraints; these are the best compromises."
        )
    columns = ["digital_accuracy", "accuracy_1d", "avm", "parameters", "tiles", "utilisation"]
    rows = [
        [
            str(rank),
            str(trial.number),
            *(
                accuracy_with_spread(trial.metrics.get(metric), trial.metrics.get("std_1d"))
                if metric == "accuracy_1d"
                else amount(metric, trial.metrics.get(metric))
                for metric in columns
            ),
            element("span", {"class": "word"}, trial.origin),
            element("code", {}, architecture_text(trial.architecture)),
        ]
        for rank, trial in enumerate(trials, start=1)
    ]
    head = ["rank", "trial", *(label(metric) for metric in columns), "proposed by", "architecture"]
    return Html(note + table(head, rows, range(2 + len(columns))))
