"""The figures of a report; plotly is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from analognas.report.data import ReportData


def _search(data: ReportData) -> Any:
    from analognas.report.figures.search import search_figure

    return search_figure(data)


def _drift(data: ReportData) -> Any:
    from analognas.report.figures.drift import curves, drift_figure

    return drift_figure(curves(data)[1])


def _size(data: ReportData) -> Any:
    from analognas.report.figures.size import size_figure

    return size_figure(data)


FIGURES: Final[Mapping[str, Callable[[ReportData], Any]]] = {
    "search": _search,
    "drift": _drift,
    "size": _size,
}
"""Figures of a run in which a trial has completed, by name: each returns a plotly `Figure`."""
