"""Several runs on one page: what each found, how its search went, and what differs between their configurations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from analognas.record.directory import write_atomically
from analognas.report.data import ReportData
from analognas.report.figures.drift import curves, drift_figure
from analognas.report.figures.sample import turns
from analognas.report.figures.theme import BEST, PHASE_SYMBOLS, REFERENCES, finite_or_none, new_figure, plain
from analognas.report.html import Html, element, table, with_code
from analognas.report.page import anchor_of, caption, drawing, empty, page, section
from analognas.report.progress import best_so_far
from analognas.report.wording import (
    accuracy_with_spread,
    amount,
    architecture_text,
    axis_title,
    capitalised,
    label,
    scale,
)
from analognas.specs.durations import duration

MOST_RUNS: Final = 12
_METRICS: Final = (
    "bits_1d", "accuracy_1d", "digital_accuracy", "avm", "parameters", "macs", "tiles", "utilisation",
    "energy_uj", "latency_us",
)  # fmt: skip
_DASHES: Final = ("solid", "dash", "dot", "dashdot")
_LONGEST: Final = 28
_MOST_DIFFERENCES: Final = 60


def write_side_by_side(path: Path, runs: Sequence[tuple[str, ReportData]]) -> None:
    """Write the page, whole or not at all.

    Args:
        path: of the page.
        runs: a name that tells each from the others, and what its report shows.

    Raises:
        OSError: when the file cannot be written.
    """
    write_atomically(path, side_by_side_html(runs))


def side_by_side_html(runs: Sequence[tuple[str, ReportData]]) -> str:
    """Return the page as one HTML document."""
    parts = {
        "What each run found": _found(runs),
        "Accuracy over drift time": _drift(runs),
        "Course of the searches": _courses(runs),
        "What differs": _differences(runs),
    }
    title = f"{len(runs)} runs side by side"
    head = element(
        "header",
        {},
        element("p", {"class": "subject"}, "analognas · architecture search for analog in-memory computing"),
        element("h1", {}, title),
        element("p", {"class": "lead"}, " · ".join(name for name, _ in runs)),
        *(
            element("p", {"class": "warning"}, with_code(f"{sentence}."))
            for _, data in runs
            for sentence in data.damage
        ),
    )
    body = [section(heading, content) for heading, content in parts.items()]
    return page(f"{title} · analognas", [head, *body], [(anchor_of(heading), heading) for heading in parts])


def _found(runs: Sequence[tuple[str, ReportData]]) -> Html:
    """Return a row a figure, a column a run."""
    columns = [_metrics(data) for _, data in runs]
    rows = [
        [capitalised(label(metric)), *(_figure(metric, metrics) for metrics in columns)]
        for metric in _METRICS
        if any(metric in metrics for metrics in columns)
    ]
    further: tuple[tuple[str, Callable[[ReportData], str]], ...] = (
        ("Measured on", lambda data: "test split" if data.networks else "validation split, unfinished"),
        ("Trials", lambda data: f"{len(data.trials):,}, {len(data.failed):,} failed"),
        ("Met all constraints", lambda data: f"{data.n_feasible:,}"),
        ("Evaluation", lambda data: duration(sum(trial.wall_time_s for trial in data.trials))),
    )
    rows += [[heading, *(value(data) for _, data in runs)] for heading, value in further]
    note = caption(
        "Each run has one seed, so a difference smaller than the spread over chips or seeds is no evidence. "
        "Use analognas compare to compare strategies over several seeds."
    )
    networks = [[name, _network(data)] for name, data in runs]
    return Html(
        table(["", *(name for name, _ in runs)], rows, range(1, len(runs) + 1))
        + note
        + table(["run", "network"], networks, ())
    )


def _metrics(data: ReportData) -> dict[str, float]:
    if data.networks:
        return dict(data.networks[0].metrics)
    return {} if data.best_trial is None else dict(data.best_trial.metrics)


def _figure(metric: str, metrics: dict[str, float]) -> str:
    if metric == "accuracy_1d":
        return accuracy_with_spread(metrics.get(metric), metrics.get("std_1d"))
    return amount(metric, metrics.get(metric))


def _network(data: ReportData) -> Html | str:
    if data.best_architecture is None:
        return "–"
    return element("code", {}, architecture_text(data.best_architecture))


def _drift(runs: Sequence[tuple[str, ReportData]]) -> Html:
    from dataclasses import replace

    shown = [(name, split, found[0]) for name, data in runs for split, found in [curves(data)] if found]
    if not shown:
        return empty("No trial has completed in any of the runs.")
    splits = list(dict.fromkeys(split for _, split, _ in shown))
    lines = [
        replace(curve, name=f"{split}: {name}" if len(splits) > 1 else name)  # a long name is cut at its end
        for name, split, curve in shown
    ]
    on = (
        f"on the {splits[0]} split"
        if len(splits) == 1
        else "on the split that stands before the name of each run"
    )
    return Html(
        drawing(drift_figure(lines), "Accuracy over time since programming of each run's network")
        + caption(f"Mean over chips, {on}; bands lie between the 10 % and 90 % quantiles over chips.")
    )


def _courses(runs: Sequence[tuple[str, ReportData]]) -> Html:
    """Return the best objective so far over the trials of each run."""
    objectives = dict.fromkeys(data.objective for _, data in runs)
    if len(objectives) > 1:
        named = ", ".join(label(objective) for objective in objectives)
        return empty(
            f"The searches improved different objectives ({named}), so their courses have no common axis."
        )
    if not any(data.completed for _, data in runs):
        return empty("No trial has completed in any of the runs.")
    (objective,) = objectives
    figure: Any = new_figure(420)
    factor, unit = scale(objective)
    for place, (name, data) in enumerate(runs):
        trials = list(data.trials)
        worth = np.array([data.worth(trial) for trial in trials], dtype=np.float64)
        best = factor * best_so_far(data.values(objective, trials), worth)
        needed = turns(best)
        colour = (BEST, *REFERENCES)[place % (1 + len(REFERENCES))]
        shown = plain(name, _LONGEST)
        figure.add_scatter(
            x=[trial.number for trial, shown in zip(trials, needed, strict=True) if shown],
            y=finite_or_none(best[needed]),
            name=shown,
            mode="lines+markers",
            line={"color": colour, "width": 2, "shape": "hv", "dash": _DASHES[place % len(_DASHES)]},
            marker={"size": 5, "color": colour, "symbol": PHASE_SYMBOLS[place % len(PHASE_SYMBOLS)]},
            hovertemplate=f"{shown}, best after trial %{{x}}: %{{y:.2f}} {unit}<extra></extra>",
        )
    figure.update_layout(showlegend=True)
    figure.update_xaxes(title_text="Trial, in the order of the record")
    figure.update_yaxes(title_text=axis_title(objective))
    return Html(
        drawing(figure, f"Best {label(objective)} so far in each search")
        + caption(
            f"{capitalised(label(objective))} of the best trial so far, on the validation split; symbols "
            "mark where it changed, and both ends."
        )
    )


def _differences(runs: Sequence[tuple[str, ReportData]]) -> Html:
    """Return the values of the configurations that are not the same in all runs."""
    flat = [dict(_flat(yaml.safe_load(data.config_text))) for _, data in runs]
    keys = sorted({key for values in flat for key in values})
    rows = [
        [element("code", {}, key), *(values.get(key, "–") for values in flat)]
        for key in keys
        if len({values.get(key) for values in flat}) > 1
    ]
    if not rows:
        return element("p", {}, "The configurations are the same.")
    more = len(rows) - _MOST_DIFFERENCES
    left_out = caption(f"{more:,} more values differ; each run has its config.yaml.") if more > 0 else ""
    return Html(table(["", *(name for name, _ in runs)], rows[:_MOST_DIFFERENCES], ()) + left_out)


def _flat(value: object, path: str = "") -> list[tuple[str, str]]:
    """Return dotted keys with their values as text."""
    if isinstance(value, dict) and value:
        return [
            pair
            for key, inner in value.items()
            for pair in _flat(inner, f"{path}.{key}" if path else str(key))
        ]
    return [(path, str(value))]
