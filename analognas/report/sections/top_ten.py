"""The ten best trials."""

from __future__ import annotations

from analognas.report.data import ReportData
from analognas.report.html import Html, element, table
from analognas.report.wording import accuracy_with_spread, amount, architecture_text, label

_TOP = 10


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
    columns = [name for name in ("bits_1d",) if name in trials[0].metrics]
    columns += ["digital_accuracy", "accuracy_1d", "avm", "parameters", "tiles", "utilisation"]
    columns += [name for name in ("energy_uj", "latency_us") if name in trials[0].metrics]
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
