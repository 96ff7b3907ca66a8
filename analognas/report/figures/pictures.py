"""Every figure of a report as a picture, by the name of its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from analognas.report.data import ReportData
from analognas.report.figures.block_diagram import block_diagram, blocks_of
from analognas.report.figures.drift import curves, drift_figure
from analognas.report.figures.hypervolume import hypervolume_figure
from analognas.report.figures.learned import associations, learned_figure
from analognas.report.figures.prediction import comparisons, prediction_figure
from analognas.report.figures.search import search_figure
from analognas.report.figures.sensitivity import sensitivity_figure
from analognas.report.figures.size import size_figure
from analognas.report.figures.tile_map import layer_numbers, tile_map_picture
from analognas.report.picture import Picture, picture, write_picture
from analognas.report.sections.size import costs_of
from analognas.report.wording import label
from hwsim.chip_cost.figure import cost_figure

_WIDTH: Final = 760.0
_SMALL: Final = 380.0
Drawn = Callable[[float], Picture] | Any


def write_figures(folder: Path, data: ReportData, formats: list[str]) -> list[Path]:
    """Write each figure of a report in each format, `folder/NAME.FORMAT`, and return the files.

    Raises:
        OSError: when a file cannot be written.
        UserError: for PNG and PDF without matplotlib.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, description, figure, width in _figures(data):
        shown = figure(width) if callable(figure) else picture(figure, width)
        for form in formats:
            paths.append(folder / f"{name}.{form}")
            write_picture(paths[-1], shown, description)
    return paths


def _figures(data: ReportData) -> Iterator[tuple[str, str, Drawn, float]]:
    """Yield name, description, figure and width of each figure that the run has."""
    if data.tile_map is not None:
        tile_map = data.tile_map
        if blocks_of(data):
            yield "network", "Blocks and layers of the best network", lambda w: block_diagram(data, w), _WIDTH
        yield (
            "tiles",
            "The part of each tile that holds weights",
            lambda w: tile_map_picture(tile_map, w),
            _WIDTH,
        )
    _, shown = curves(data)
    if shown:
        yield "drift", "Accuracy over time since programming", drift_figure(shown), _WIDTH
    if data.trials:
        yield "search", f"{label(data.objective)} of each trial", search_figure(data), _WIDTH
    if data.completed:
        for cost in costs_of(data):
            described = f"{label(data.objective)} over {label(cost)}"
            yield f"front-{cost}", described, size_figure(data, cost), _WIDTH
        if len(data.objectives) > 1:
            yield "hypervolume", "Hypervolume after each trial", hypervolume_figure(data), _WIDTH
    for comparison in comparisons(data):
        metric = comparison.metric
        yield (
            f"predicted-{metric}",
            f"Predicted against measured {label(metric)}",
            prediction_figure(comparison),
            _SMALL,
        )
    for metric in dict.fromkeys((data.objective, "avm")):
        found = associations(data, metric)
        if found:
            yield (
                f"learned-{metric}",
                f"Kendall τ of each symbol with {label(metric)}",
                learned_figure(found),
                _SMALL,
            )
    if data.sensitivity is not None:
        yield "sensitivity", "Accuracy lost through each layer", sensitivity_figure(data.sensitivity), _WIDTH
    if data.chip_cost is not None:
        cost = cost_figure(data.chip_cost, layer_numbers(data.tile_map), _WIDTH)
        yield "cost", "Energy of each layer by part, and the tiles", cost, _WIDTH
