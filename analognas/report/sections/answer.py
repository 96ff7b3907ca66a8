"""The network that was found, as a diagram, and its figures against the references and the constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from analognas.metrics import TABLE
from analognas.report.data import ReportData
from analognas.report.figures.block_diagram import block_diagram, blocks_of
from analognas.report.html import Html, element, joined, table
from analognas.report.page import caption, drawing
from analognas.report.wording import accuracy_with_spread, amount, capitalised, label

_METRICS: Final = (
    "bits_1d", "digital_bits", "accuracy_1d", "digital_accuracy", "avm", "accuracy_1s", "accuracy_1mo",
    "parameters", "macs", "tiles", "utilisation", "tiles_packed", "energy_uj", "latency_us", "area_mm2",
)  # fmt: skip


def answer_section(data: ReportData) -> Html | None:
    """Return the diagram and the table; None before a trial has completed."""
    columns = _columns(data)
    if not columns:
        return None
    return joined([_diagram(data), _figures(data, columns)])


def _diagram(data: ReportData) -> Html:
    try:
        if not blocks_of(data):
            return Html("")
        shown = drawing(lambda width: block_diagram(data, width), "Blocks and layers of the best network")
    except (KeyError, TypeError, ValueError, AttributeError):  # a file that somebody else has written
        return element("p", {"class": "empty"}, "The tile map in best/analog.json cannot be read.")
    return joined(
        [
            element("div", {"class": "diagram"}, shown),
            caption("Each blue field is a layer on crossbar tiles: rows × columns of its matrix."),
        ]
    )


def _columns(data: ReportData) -> list[tuple[str, Mapping[str, float]]]:
    if data.networks:
        return [(network.name, network.metrics) for network in data.networks]
    best = data.best_trial
    return [] if best is None else [(f"trial {best.number}, so far", best.metrics)]


def _figures(data: ReportData, columns: Sequence[tuple[str, Mapping[str, float]]]) -> Html:
    """Return a row a metric: each network, the limit, and whether the first network keeps it."""
    first = columns[0][1]
    names = [name for name in _METRICS if name in first or name in data.upper_bounds]
    names += [name for name in data.upper_bounds if name not in names]
    rows = []
    for name in names:
        bound = data.upper_bounds.get(name)
        rows.append(
            [
                capitalised(label(name)),
                *(_figure(name, metrics) for _, metrics in columns),
                "" if bound is None else f"{'≤' if TABLE[name].sign < 0 else '≥'} {amount(name, bound)}",
                _kept(name, first.get(name), bound),
            ]
        )
    split = "test split, trained at full budget" if data.networks else "validation split, trained as a trial"
    head = ["", *(name for name, _ in columns), "limit", ""]
    return Html(table(head, rows, range(1, len(columns) + 2)) + caption(f"Figures on the {split}."))


def _figure(name: str, metrics: Mapping[str, float]) -> str:
    if name == "accuracy_1d":
        return accuracy_with_spread(metrics.get(name), metrics.get("std_1d"))
    return amount(name, metrics.get(name))


def _kept(name: str, value: float | None, bound: float | None) -> str:
    """Return a word and a sign, so that nobody depends on a colour."""
    if bound is None:
        return ""
    if value is None:
        return "not measured"
    if TABLE[name].keeps(value, bound):
        return element("span", {"class": "good word"}, "✓ kept")
    return element("span", {"class": "bad word"}, "✗ broken")
