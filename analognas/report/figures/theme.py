"""The look that every figure of the report shares: that of hwsim's figures, and what searches add to it."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hwsim.figure_theme import (
    BEST,
    FONT,
    GRID,
    INK,
    QUIET,
    REFERENCES,
    new_figure,
    plain,
    style_figure,
    translucent,
)

__all__ = [
    "BELOW_MARKER",
    "BELOW_NAME",
    "BEST",
    "FAILED",
    "FONT",
    "GRID",
    "INK",
    "PHASES",
    "PHASE_SYMBOLS",
    "QUIET",
    "REFERENCES",
    "curve_mode",
    "finite_or_none",
    "new_figure",
    "plain",
    "style_figure",
    "translucent",
    "trial_axis",
    "view",
]

PHASES: Final = ("#8A93A0", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#8C6D00")
PHASE_SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up", "pentagon", "hexagon")
FAILED: Final = "#B3261E"
BELOW_NAME: Final = "below the axis"
BELOW_MARKER: Final = {"size": 9, "symbol": "triangle-down-open", "color": QUIET, "line": {"width": 1.4}}
_FEW: Final = 8
"""Trials up to which each has a tick."""


def trial_axis(n: int) -> dict[str, Any]:
    """Return the ticks of an axis of `n` trials: one each where there are few, which plotly would divide."""
    return {"dtick": 1} if n <= _FEW else {}


def curve_mode(n: int) -> str:
    """Return how a line through `n` points is drawn: one point alone has no line."""
    return "lines" if n > 1 else "lines+markers"


def view(values: npt.NDArray[np.float64], sign: int = 1) -> tuple[float, float]:
    """Return the range of an axis that shows the bulk of the values well.

    Networks that did not learn lie far below all others and would press these together. Values more than four
    interquartile ranges below the median are left out; the figure marks what lies below its axis. Where less is
    better, `sign` -1, the best ones are below, and nothing is left out.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    first, median, third = (float(q) for q in np.percentile(finite, [25, 50, 75]))
    if third > first and sign > 0:
        low = float(finite[finite >= median - 4 * (third - first)].min())
    pad = 0.06 * (high - low) if high > low else max(0.01 * abs(high), 1e-6)
    return low - pad, high + pad


def finite_or_none(values: npt.NDArray[np.float64]) -> list[float | None]:
    """Return the values as a list with None, which leaves a gap, for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]
