"""Which choices of an architecture go with its figures: a rank correlation for each symbol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from analognas.report.data import ReportData
from analognas.report.figures.theme import BEST, QUIET, new_figure, plain
from analognas.report.tables import architecture_table
from analognas.report.wording import label

FEWEST: Final = 10
"""Trials from which on a correlation is worth a look."""
_LEAST_VALUES: Final = 2
_SHOWN: Final = 24
_LEVEL: Final = 0.05


@dataclass(frozen=True)
class Association:
    """How a symbol goes with a metric over the completed trials.

    Attributes:
        symbol: of the architecture, or a cost that follows from it.
        n: trials that have it.
        tau: Kendall's τ-b, -1 to 1.
        p: probability of one so far from 0 by chance, corrected for the number of symbols (Holm).
    """

    symbol: str
    n: int
    tau: float
    p: float

    @property
    def is_level(self) -> bool:
        """Whether chance alone may explain it, at 5 % for all symbols together."""
        return self.p >= _LEVEL


def associations(data: ReportData, metric: str) -> list[Association]:
    """Return the symbols with their correlations, the strongest first; none of too few trials.

    References:
        S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.
    """
    from scipy.stats import kendalltau

    trials = [trial for trial in data.completed if trial.at_full_budget and metric in trial.metrics]
    if len(trials) < FEWEST:
        return []
    table = architecture_table(trials).assign(
        **{label(name): data.values(name, trials) for name in ("parameters", "macs", "tiles")}
    )
    values = data.values(metric, trials)
    found = []
    for symbol in table.columns:
        column = [_ranked(value) for value in table[symbol]]
        known = [place for place, value in enumerate(column) if not math.isnan(value)]
        if len(known) < FEWEST or len({column[place] for place in known}) < _LEAST_VALUES:
            continue
        tau, p = kendalltau([column[place] for place in known], values[known])
        if math.isfinite(tau):
            found.append(Association(str(symbol), len(known), float(tau), float(p)))
    return sorted(_corrected(found), key=lambda one: -abs(one.tau))


def learned_figure(found: Sequence[Association]) -> Any:
    """Draw a bar a symbol; a grey one may be chance."""
    rows = found[:_SHOWN][::-1]  # the first is drawn at the bottom
    places = list(range(len(rows)))
    figure = new_figure(96 + 24 * len(rows))
    figure.add_bar(
        x=[row.tau for row in rows],
        y=places,
        orientation="h",
        marker={"color": [QUIET if row.is_level else BEST for row in rows], "opacity": 0.8},
        customdata=[
            f"{plain(row.symbol)}: τ {row.tau:.2f} over {row.n} trials, p {row.p:.2g}" for row in rows
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title_text="Kendall τ", range=[-1, 1], dtick=0.5)
    figure.update_yaxes(tickvals=places, ticktext=[plain(row.symbol, 30) for row in rows], showgrid=False)
    return figure


def _ranked(value: object) -> float:
    """Return a choice as a number: words by their first letter, as the types A to D of a branch are ordered."""
    if isinstance(value, bool | int | float):
        return float(value)
    return float(ord(value)) if isinstance(value, str) and len(value) == 1 else math.nan


def _corrected(found: Sequence[Association]) -> list[Association]:
    ordered = sorted(found, key=lambda one: one.p)
    corrected, largest = [], 0.0
    for place, one in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - place) * one.p))
        corrected.append(Association(one.symbol, one.n, one.tau, largest))
    return corrected
