"""Several curves in one figure or one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hwsim.arguments import require
from hwsim.curve import DriftCurve
from hwsim.curve_figure import curve_figure
from hwsim.curve_table import CurveTable


def plot(curves: DriftCurve | Sequence[DriftCurve] | Mapping[str, DriftCurve]) -> Any:
    """Return a plotly figure of one or several curves over time.

    Args:
        curves: by name, or one after the other: those have the name of their metric and, where it is not unique, a
            number. Curves of shares, such as accuracy, are in percent.

    Raises:
        ValueError: for no curves.
        TypeError: for anything but curves.
    """
    return curve_figure(list(_named(curves).items()))


def table(curves: DriftCurve | Sequence[DriftCurve] | Mapping[str, DriftCurve]) -> CurveTable:
    """Return a table of one or several curves, for `print`, notebooks and `.to_frame()`.

    Args:
        curves: as for `hwsim.plot`.

    Raises:
        ValueError: for no curves.
        TypeError: for anything but curves.

    Example:
        >>> import numpy as np
        >>> print(table({"mine": DriftCurve((1.0, 86_400.0), np.array([[0.9, 0.8], [0.8, 0.7]]))}))
        time   mine: accuracy (%)
        1 s          85.00 ± 7.07
        1 day        75.00 ± 7.07
        chips                   2
    """
    return CurveTable(_named(curves))


def _named(curves: object) -> dict[str, DriftCurve]:
    if isinstance(curves, DriftCurve):
        curves = [curves]
    require(curves, (Mapping, Sequence), "`curves` must be curves, in a list or by name")
    assert isinstance(curves, Mapping | Sequence)
    found = list(curves.values()) if isinstance(curves, Mapping) else list(curves)
    if not found:
        raise ValueError("`curves` must have at least one curve, got none")
    for curve in found:
        require(curve, DriftCurve, "each of `curves` must be a DriftCurve")
    if isinstance(curves, Mapping):
        for name in curves:
            require(name, str, "names of curves must be texts")
        return dict(curves)
    metrics = [curve.metric for curve in found]
    return {
        metric if metrics.count(metric) == 1 else f"{metric} {index}": curve
        for index, (metric, curve) in enumerate(zip(metrics, found, strict=True), start=1)
    }
