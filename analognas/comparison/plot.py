"""Draws the best 1-day accuracy so far against the trial: mean and standard deviation over the seeds of a strategy."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analognas.bench.bands import Axes, Band, bands_svg
from analognas.comparison.result import Comparison

NARROWEST: Final = 1.0
"""Points of accuracy that the axis spans at least: less than a point is noise, and its labels would be long."""

FIRST: Final = 5
"""Trials before the first point: earlier accuracies are luck and would set the scale."""


def progress_svg(comparison: Comparison) -> str:
    """Return the drawing, a self-contained SVG; without a line while no search has found anything."""
    bands = {
        strategy: band
        for strategy in comparison.strategies
        if (band := _band([run.best_so_far for run in comparison.of(strategy)])) is not None
    }
    n_trials = max((int(band.x[-1]) for band in bands.values()), default=1)
    first = min((int(band.x[0]) for band in bands.values()), default=1)
    low = min((float(band.low.min()) for band in bands.values()), default=0.0)
    high = max((float(band.high.max()) for band in bands.values()), default=100.0)
    margin = max(0.05 * (high - low), NARROWEST / 2)
    counts = {len(comparison.of(strategy)) for strategy in bands}
    seeds = "1 seed" if counts == {1} else f"{min(counts, default=0)} seeds"
    if len(counts) > 1:
        seeds = f"{min(counts)} to {max(counts)} seeds"
    return bands_svg(
        Axes(
            title=f"{comparison.name}: best so far, {seeds}, mean and standard deviation",
            x_label="trials",
            y_label="validation accuracy after 1 day on chips, %",
            x=(first, n_trials),
            y=(max(low - margin, 0.0), min(high + margin, 100.0)),
        ),
        bands,
    )


def _band(curves: list[tuple[float | None, ...]]) -> Band | None:
    """Return mean and spread in percent from the trial on where every search has a best; a search that ended stays.

    Searches in which no trial completed are left out.
    """
    found = [
        np.array(curve, dtype=np.float64) for curve in curves if any(value is not None for value in curve)
    ]
    if not found:
        return None
    longest = max(map(len, found))
    values: npt.NDArray[np.float64] = 100 * np.array(
        [np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in found]
    )
    begun = int(np.flatnonzero(~np.isnan(values).any(axis=0))[0])
    start = max(begun, min(FIRST, longest) - 1)
    values = values[:, start:]
    mean = values.mean(axis=0)
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros_like(mean)
    return Band(x=np.arange(start + 1, longest + 1), low=mean - spread, mean=mean, high=mean + spread)
