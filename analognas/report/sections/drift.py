"""Accuracy over drift time, as a figure and as a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analognas.report.data import ReportData
from analognas.report.figures.drift import QUANTILES, NamedCurve, curves, drift_figure, in_bits
from analognas.report.html import Html, table
from analognas.report.page import caption, drawing, empty
from analognas.report.wording import accuracy_with_spread, amount
from analognas.specs.durations import time_label


def drift_section(data: ReportData) -> Html:
    """Return mean and chips of the best network and the references, or of the best trial so far."""
    split, shown = curves(data)
    if not shown:
        return empty("No trial has completed, so there is no network to show.")
    names = ", ".join(entry.name for entry in shown)
    budget = "trained at full budget" if data.networks else "trained at the budget of a trial"
    what = "Bits per character" if in_bits(shown) else "Accuracy"
    return Html(
        drawing(drift_figure(shown), f"{what} over time since programming of {names}")
        + caption(
            f"Mean over chips on the {split} split, {budget}; the band lies between the 10 % and 90 % quantiles "
            "over chips, thin lines are single chips. The dotted line is of the same weights in floating point."
        )
        + (_bits(shown) if in_bits(shown) else "")
        + _table(shown)
    )


def _bits(shown: list[NamedCurve]) -> Html:
    """Return mean bits per character and spread over chips of each network at each time."""
    times = list(dict.fromkeys(time for entry in shown for time in entry.curve.times_s))
    rows = []
    for entry in shown:
        found = dict(zip(entry.curve.times_s, map(np.asarray, entry.curve.bits or ()), strict=True))
        digital = "–" if entry.digital_bits is None else f"{entry.digital_bits:.3f}"
        cells = (
            f"{found[time].mean():.3f} ± {found[time].std(ddof=1):.3f}" if time in found else "–"
            for time in times
        )
        rows.append([entry.name, digital, *cells])
    head = ["bits per character", "digital", *(time_label(time) for time in times)]
    return table(head, rows, range(1, len(head)))


def _between(chips: npt.NDArray[np.float64]) -> str:
    """Return the quantiles over chips that the band shows."""
    low, high = 100 * np.quantile(chips, QUANTILES)
    return f"{low:.2f} to {high:.2f} %"


def _table(shown: list[NamedCurve]) -> Html:
    """Return mean accuracy, spread and quantiles over chips of each network at each time."""
    times = list(dict.fromkeys(time for entry in shown for time in entry.curve.times_s))
    rows = []
    for entry in shown:
        accuracy = {
            time: np.asarray(chips)
            for time, chips in zip(entry.curve.times_s, entry.curve.accuracy, strict=True)
        }
        cells = [
            accuracy_with_spread(float(accuracy[time].mean()), float(accuracy[time].std(ddof=1)))
            if time in accuracy and accuracy[time].size > 1
            else accuracy_with_spread(float(accuracy[time].mean()) if time in accuracy else None, None)
            for time in times
        ]
        chips = str(len(entry.curve.accuracy[0])) if entry.curve.accuracy else "–"
        rows.append([entry.name, chips, amount("digital_accuracy", entry.digital), *cells])
        between = [_between(accuracy[time]) if time in accuracy else "–" for time in times]
        rows.append(["– 10 % to 90 % of its chips", "", "", *between])
    head = ["network", "chips", "digital", *(time_label(time) for time in times)]
    return table(head, rows, range(1, len(head)))
