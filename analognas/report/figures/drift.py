"""Accuracy over time since programming, of texts bits per character: mean, spread over chips, and every chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

import hwsim
from analognas.record.trial import DriftRecord
from analognas.report.data import ReportData
from analognas.report.figures.theme import QUIET, plain
from hwsim.curve_figure import LONGEST_NAME, curve_figure, look

SPLITS: Final = ("test", "validation")
QUANTILES: Final = (0.1, 0.9)
"""Shares of the chips that lie below the band and below its upper edge."""


@dataclass(frozen=True)
class NamedCurve:
    """One network's accuracy over time.

    Attributes:
        name: in the legend.
        curve: accuracy of every chip at every time.
        digital: its accuracy in floating point on the same split, None where unknown.
        digital_bits: its bits per character in floating point, None where unknown.
    """

    name: str
    curve: DriftRecord
    digital: float | None
    digital_bits: float | None = None


def curves(data: ReportData) -> tuple[str, list[NamedCurve]]:
    """Return the split that is shown and the curves on it: at full budget, else that of the best trial so far."""
    for split in SPLITS:
        found = [
            NamedCurve(
                network.name,
                network.curves[split],
                network.digital_accuracy.get(split),
                network.metrics.get("digital_bits") if split == "test" else None,
            )
            for network in data.networks
            if split in network.curves
        ]
        if found:
            return split, found
    best = data.best_trial
    if best is None or best.curve is None:
        return "validation", []
    return "validation", [
        NamedCurve(
            f"best trial so far ({best.number})",
            best.curve,
            best.metrics.get("digital_accuracy"),
            best.metrics.get("digital_bits"),
        )
    ]


def in_bits(shown: Sequence[NamedCurve]) -> bool:
    """Return whether curves are shown as bits per character: where all of them have these."""
    return all(entry.curve.bits is not None for entry in shown)


def drift_figure(shown: Sequence[NamedCurve]) -> Any:
    """Draw accuracy in %, or bits, over the logarithm of time, quantiles over chips, and what is digital of each."""
    bits = in_bits(shown)
    figure = curve_figure([(entry.name, _curve(entry.curve, bits)) for entry in shown], QUANTILES)
    digital = [
        entry.digital_bits if bits else None if entry.digital is None else 100 * entry.digital
        for entry in shown
    ]
    for index, (entry, value) in enumerate(zip(shown, digital, strict=True)):
        if value is not None:
            _add_digital(figure, entry.name, entry.curve, value, "bits" if bits else "%", look(index)[0])
    if any(value is not None for value in digital):
        line = {"color": QUIET, "width": 1.2, "dash": "dot"}
        figure.add_scatter(x=[None], y=[None], name="digital", mode="lines", line=line)
    return figure


def _curve(curve: DriftRecord, bits: bool) -> hwsim.DriftCurve:
    if bits and curve.bits is not None:
        return hwsim.DriftCurve(curve.times_s, np.array(curve.bits), metric="bits per character")
    return hwsim.DriftCurve(curve.times_s, np.array(curve.accuracy))


def _add_digital(figure: Any, name: str, curve: DriftRecord, value: float, unit: str, colour: str) -> None:
    shown = plain(name, LONGEST_NAME)
    figure.add_scatter(
        x=[curve.times_s[0], curve.times_s[-1]],
        y=[value] * 2,
        mode="lines",
        line={"color": colour, "width": 1.2, "dash": "dot"},
        legendgroup=shown,
        showlegend=False,
        hovertemplate=f"{shown}, digital: %{{y:.2f}} {unit}<extra></extra>",
    )
