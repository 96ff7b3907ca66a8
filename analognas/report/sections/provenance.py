"""Where the figures come from: the command, the configuration, versions and machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from analognas.record.trial import Trial
from analognas.report.data import ReportData
from analognas.report.html import Html, element, joined, table, with_code


def reproduction(data: ReportData) -> Html:
    """Return the command line, the environment and the configuration."""
    parts = [
        element(
            "p",
            {},
            with_code(
                "This command repeats the run. With the executors `auto` and `serial` its trials are the same."
            ),
        ),
        *([element("p", {}, with_code(data.ended))] if data.ended else []),
        element("pre", {"class": "command"}, data.command),
        element("h3", {}, "Versions and machine"),
        table(["", ""], [*_flat(data.environment), *_places(data.trials)], ())
        if data.environment
        else element("p", {}, "Not recorded."),
        element("h3", {}, "Configuration"),
        element("pre", {}, data.config_text),
    ]
    return joined(parts)


def _places(trials: Sequence[Trial]) -> list[list[str]]:
    """Return one row that counts the trials by machine and device."""
    counts = Counter(f"{trial.node} {trial.device}".strip() for trial in trials if trial.device)
    said = "; ".join(
        f"{place}: {count:,} {'trial' if count == 1 else 'trials'}" for place, count in counts.most_common()
    )
    return [["evaluated on", said]] if said else []


def _flat(environment: Mapping[str, Any]) -> list[list[str]]:
    """Return name and value of each entry, nested ones on one line."""
    return [[str(name).replace("_", " "), _line(value)] for name, value in environment.items()]


def _line(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    return str(value)
