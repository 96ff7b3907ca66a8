"""Draws the regret of strategies over evaluations: mean over seeds, 95 % band."""

from __future__ import annotations

from typing import Final

import numpy as np

from analognas.bench.bands import Axes, Band, bands_svg
from analognas.bench.benchmark import BenchResult, mean_and_half_width

FIRST: Final = 5
"""Evaluations before the first point: earlier regret is luck and would set the scale."""


def regret_svg(result: BenchResult) -> str:
    """Return the drawing, a self-contained SVG: the best strategy first in the legend, one colour a strategy."""
    budget = next(iter(result.curves.values())).shape[1]
    first = min(FIRST, budget)
    x = np.arange(first, budget + 1)
    bands = {}
    for place in result.ranking():
        curves = result.curves[place.strategy].T[first - 1 :]
        mean, half = np.array([mean_and_half_width(values) for values in curves]).T
        bands[place.strategy] = Band(x=x, low=np.maximum(mean - half, 0.0), mean=mean, high=mean + half)
    seeds = len(next(iter(result.curves.values())))
    axes = Axes(
        title=f"{result.table}: {result.target}, {seeds} seeds, mean and 95 % interval",
        x_label="evaluations",
        y_label="regret: distance to the best of the table",
        x=(first, budget),
        y=(0.0, max(float(band.high.max()) for band in bands.values()) or 1.0),
    )
    return bands_svg(axes, bands)
