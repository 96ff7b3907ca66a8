"""Curves as a small table: times down, one column a curve with mean ± standard deviation over chips."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, final

from hwsim.durations import time_label
from hwsim.measured import Measured, in_percent, spread

if TYPE_CHECKING:
    import pandas as pd


@final
class CurveTable:
    """A table of curves, for `print` and for notebooks.

    Args:
        curves: by name.
    """

    def __init__(self, curves: Mapping[str, Measured]) -> None:
        self._curves = dict(curves)

    def rows(self) -> list[list[str]]:
        """Return the cells, the names first."""
        times = sorted({time for curve in self._curves.values() for time in curve.times_s})
        rows = [["time", *(self._title(name, curve) for name, curve in self._curves.items())]]
        rows += [
            [time_label(time), *(_cell(curve, time) for curve in self._curves.values())] for time in times
        ]
        rows.append(["chips", *(f"{curve.values.shape[1]:,}" for curve in self._curves.values())])
        return rows

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each curve, time and chip: `curve`, `metric`, `t_s`, `chip`, `value`."""
        import pandas as pd

        return pd.DataFrame(
            [
                (name, curve.metric, time, chip, value)
                for name, curve in self._curves.items()
                for time, row in zip(curve.times_s, curve.values.tolist(), strict=True)
                for chip, value in enumerate(row)
            ],
            columns=["curve", "metric", "t_s", "chip", "value"],
        )

    def __str__(self) -> str:
        """Return the table as text."""
        rows = self.rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        first, *others = self.rows()
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in first)
        body = "".join(
            "<tr>"
            + "".join(f'<td style="text-align:right">{html.escape(cell)}</td>' for cell in row)
            + "</tr>"
            for row in others
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _title(self, name: str, curve: Measured) -> str:
        unit = " (%)" if in_percent([curve]) else ""
        return f"{name}{unit}" if name == curve.metric else f"{name}: {curve.metric}{unit}"


def _cell(curve: Measured, time: float) -> str:
    if time not in curve.times_s:
        return "-"
    row = curve.times_s.index(time)
    chips = curve.values.shape[1]
    return spread(float(curve.mean[row]), float(curve.std[row]), chips, in_percent([curve]))
