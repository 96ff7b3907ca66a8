"""Curves as a small table: times down, one column a curve with mean ± standard deviation over chips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

from hwsim.durations import time_label
from hwsim.measured import Measured, in_percent, share_row, spread
from hwsim.optional_library import needs
from hwsim.text_table import ShownAsTable, Table

if TYPE_CHECKING:
    import pandas as pd


@final
class CurveTable(ShownAsTable):
    """A table of curves, for `print` and for notebooks.

    Args:
        curves: by name.
    """

    def __init__(self, curves: Mapping[str, Measured]) -> None:
        self._curves = dict(curves)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each curve, time and chip: `curve`, `metric`, `t_s`, `chip`, `value`."""
        needs("pandas", "a data frame")
        import pandas as pd

        return pd.DataFrame(
            [
                (name, curve.metric, time, chip, value)
                for name, curve in self._curves.items()
                for time, row in zip(curve.times_s, curve.values.tolist(), strict=True)
                for chip, value in zip(curve.chips, row, strict=True)
            ],
            columns=["curve", "metric", "t_s", "chip", "value"],
        )

    __repr__ = ShownAsTable.__str__

    def _table(self) -> Table:
        curves = self._curves
        times = sorted({time for curve in curves.values() for time in curve.times_s})
        head = ("time", *(self._title(name, curve) for name, curve in curves.items()))
        rows = [(time_label(time), *(_cell(curve, time) for curve in curves.values())) for time in times]
        rows.append(("chips", *(f"{curve.values.shape[1]:,}" for curve in curves.values())))
        if shares := share_row(list(curves.values())):
            rows.append(("analog weights", *shares))
        return Table(head, rows)

    def _title(self, name: str, curve: Measured) -> str:
        unit = " (%)" if in_percent([curve]) else ""
        return f"{name}{unit}" if name == curve.metric else f"{name}: {curve.metric}{unit}"


def _cell(curve: Measured, time: float) -> str:
    if time not in curve.times_s:
        return "-"
    row = curve.times_s.index(time)
    chips = curve.values.shape[1]
    return spread(float(curve.mean[row]), float(curve.std[row]), chips, in_percent([curve]))
