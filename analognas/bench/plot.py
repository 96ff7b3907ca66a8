"""Draws the regret of strategies over evaluations, and the learning curves of surrogates: means and 95 % bands."""

from __future__ import annotations

from typing import Final

import numpy as np

from analognas.bench.bands import Axes, Band, bands_svg
from analognas.bench.benchmark import BenchResult, mean_and_half_width
from analognas.bench.surrogate_quality import SurrogateQuality

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


def learning_curves_svg(found: SurrogateQuality) -> str:
    """Return Kendall τ of each surrogate over the rows of a fit as a self-contained SVG, and what a training reaches.

    Bands are over splits. The noise ceiling is a line.

    Raises:
        ValueError: with one number of rows, which makes no curve.
    """
    sizes = sorted({n for _, n in found.figures})
    if len(sizes) < 2:
        raise ValueError(f"a learning curve needs two numbers of rows or more, got {sizes[0]}")
    x = np.array(sizes)
    bands = {}
    for kind in dict.fromkeys(kind for kind, _ in found.figures):
        mean, half = np.array([mean_and_half_width(found.figures[kind, n]["tau"]) for n in sizes]).T
        bands[kind] = Band(x=x, low=mean - half, mean=mean, high=mean + half)
    if found.ceiling is not None:
        level = np.full(len(x), found.ceiling[0])
        bands["another training"] = Band(x=x, low=level, mean=level, high=level)
    edges = np.concatenate([[*band.low, *band.high] for band in bands.values()])
    axes = Axes(
        title=f"{found.table}: {found.target}, {found.splits} splits, mean and 95 % interval",
        x_label="networks of a fit",
        y_label="Kendall τ on all others",
        x=(sizes[0], sizes[-1]),
        y=(float(edges.min()), float(edges.max())),
    )
    return bands_svg(axes, bands)
