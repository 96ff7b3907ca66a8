"""Curves over the logarithm of time: mean, spread over chips, and every chip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hwsim.durations import DAY_S, HOUR_S, MONTH_S, SECOND_S, YEAR_S, time_label
from hwsim.figure_theme import BEST, REFERENCES, new_figure, plain, translucent
from hwsim.measured import Measured, in_percent

Numbers: TypeAlias = npt.NDArray[np.float64]

MARKED_S: Final = (SECOND_S, HOUR_S, DAY_S, MONTH_S, YEAR_S, 10 * YEAR_S)
"""Times that have a tick wherever one of them is shown."""

_APART: Final = 0.3
"""Decades between two ticks, of which one is not among the usual ones."""

_CHIPS_SHOWN: Final = 50
_DASHES: Final = ("solid", "dash", "dot", "dashdot")
LONGEST_NAME: Final = 36


def curve_figure(curves: Sequence[tuple[str, Measured]], quantiles: tuple[float, float] | None = None) -> Any:
    """Return a plotly figure of curves, each with its name in the legend.

    A logarithm has no place for 0 s, which stands a decade before the next time.

    Args:
        curves: names and what was measured.
        quantiles: of the chips, 0 to 1, between which the band lies; None: mean plus and minus a standard deviation.
    """
    figure = new_figure(440)
    percent = in_percent([curve for _, curve in curves])
    times = sorted({time for _, curve in curves for time in curve.times_s})
    later = [time for time in times if time > 0]
    at_zero = later[0] / 10 if later else 1.0
    scale, unit = (100.0, " %") if percent else (1.0, "")
    places = [[time or at_zero for time in curve.times_s] for _, curve in curves]
    for index, (name, curve) in enumerate(curves):
        band = _band(curve, quantiles)
        _add_spread(figure, name, places[index], curve, band, scale, look(index)[0], 1 / len(curves))
    for index, (name, curve) in enumerate(curves):
        _add_mean(figure, name, places[index], curve, scale, look(index), unit)
    ticks = _ticks(times, at_zero)
    figure.update_xaxes(
        type="log",
        title_text="Time since programming",
        tickvals=[time or at_zero for time in ticks],
        ticktext=[time_label(time) for time in ticks],
        autotickangles=[0, -40],
    )
    metrics = list(dict.fromkeys(curve.metric for _, curve in curves))
    title = plain(", ".join(metrics))
    figure.update_yaxes(title_text=f"{title[:1].upper()}{title[1:]}{' (%)' * percent}")
    figure.update_layout(showlegend=True)
    return figure


def _ticks(times: Sequence[float], at_zero: float) -> list[float]:
    """Return the times that have a tick: the usual ones, and those that are not too close to a tick."""
    kept = [time for time in times if time in MARKED_S or time == 0]
    for time in reversed(times):
        if all(abs(math.log10((time or at_zero) / (other or at_zero))) >= _APART for other in kept):
            kept.append(time)
    return sorted(kept)


def look(index: int) -> tuple[str, str]:
    """Return colour and dash of a figure's curve by its place."""
    colour = BEST if index == 0 else REFERENCES[(index - 1) % len(REFERENCES)]
    return colour, _DASHES[index % len(_DASHES)]


def _band(curve: Measured, quantiles: tuple[float, float] | None) -> tuple[Numbers, Numbers]:
    """Return the lower and the upper end of the band, `(times,)` each."""
    if quantiles is None:
        return curve.mean - curve.std, curve.mean + curve.std
    low, high = np.quantile(curve.values, quantiles, axis=1)
    return low, high


def _add_spread(
    figure: Any,
    name: str,
    times: list[float],
    curve: Measured,
    band: tuple[Numbers, Numbers],
    scale: float,
    colour: str,
    share: float,
) -> None:
    """Draw every chip and the band, the fainter the more curves share the figure."""
    import plotly.graph_objects as go

    order = np.argsort(times)
    along, rows = [times[index] for index in order], scale * curve.values[order]
    low, high = (scale * end[order] for end in band)
    group = {"legendgroup": plain(name, LONGEST_NAME), "hoverinfo": "skip", "showlegend": False}
    chips = rows[:, :_CHIPS_SHOWN].T.tolist()
    figure.add_trace(
        go.Scatter(
            x=[time for _ in chips for time in (*along, None)],
            y=[value for chip in chips for value in (*chip, None)],
            mode="lines",
            line={"color": translucent(colour, 0.08 + 0.14 * share), "width": 0.8},
            **group,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[*along, *along[::-1]],
            y=[*high, *low[::-1]],
            fill="toself",
            fillcolor=translucent(colour, 0.06 + 0.10 * share),
            line={"color": translucent(colour, 0.6 if share < 1 else 0.0), "width": 1},
            mode="lines",
            **group,
        )
    )


def _add_mean(
    figure: Any,
    name: str,
    shown_at: list[float],
    curve: Measured,
    scale: float,
    shown_as: tuple[str, str],
    unit: str,
) -> None:
    import plotly.graph_objects as go

    (colour, dash), order = shown_as, np.argsort(shown_at)
    mean, spread = scale * curve.mean, scale * curve.std
    shown = plain(name, LONGEST_NAME)
    figure.add_trace(
        go.Scatter(
            x=[shown_at[index] for index in order],
            y=mean[order],
            name=shown,
            legendgroup=shown,
            mode="lines+markers",
            line={"color": colour, "width": 2.5, "dash": dash},
            marker={"size": 8, "color": colour, "line": {"color": "white", "width": 1}},
            customdata=[[time_label(curve.times_s[index]), spread[index]] for index in order],
            hovertemplate=f"{shown}<br>%{{customdata[0]}}: %{{y:.4g}} ± %{{customdata[1]:.2g}}{unit}<extra></extra>",
        )
    )
