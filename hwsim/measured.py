"""Values of chips over time as they are shown: shares in percent, everything else in its own unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

SHARE_LEFT_UNSAID: Final = 0.95
"""Networks with at least this share of weights on tiles are taken for analog without a word."""

_SHARES: Final = re.compile(r"accuracy|top-[0-9]+")


class Measured(Protocol):
    """What tables and figures show of a curve."""

    @property
    def times_s(self) -> tuple[float, ...]:
        """Seconds since programming."""
        ...

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """`(times, chips)` values of the metric."""
        ...

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean over chips, `(times,)`."""
        ...

    @property
    def std(self) -> npt.NDArray[np.float64]:
        """Standard deviation over chips, `(times,)`."""
        ...

    @property
    def chips(self) -> tuple[int, ...]:
        """Number of each chip."""
        ...

    @property
    def metric(self) -> str:
        """Name of the metric."""
        ...

    @property
    def analog_share(self) -> float | None:
        """Share of the network's weights that lie on tiles; None where it is not known."""
        ...


def is_share(metric: str) -> bool:
    """Whether values of a metric are the share of items that are right, such as accuracy and top-5."""
    return _SHARES.fullmatch(metric) is not None


def in_percent(curves: Sequence[Measured]) -> bool:
    """Whether curves are shown in percent: all are shares, and within 0 and 1."""
    return all(
        is_share(curve.metric) and bool(((curve.values >= 0) & (curve.values <= 1)).all()) for curve in curves
    )


def spread(mean: float, std: float, chips: int, percent: bool) -> str:
    """Return a mean and its standard deviation over chips for reading, without the unit.

    >>> spread(0.9123, 0.0031, 5, True), spread(12.3456, 0.789, 5, False), spread(0.5, 0.0, 1, True)
    ('91.23 ± 0.31', '12.35 ± 0.79', '50.00')
    """
    shown, deviation = (f"{100 * mean:.2f}", f"{100 * std:.2f}") if percent else (f"{mean:.4g}", f"{std:.2g}")
    return shown if chips == 1 else f"{shown} ± {deviation}"


def share_note(share: float | None) -> str:
    """Return `, analog: 2.6 % of the weights` for a network that is digital in good part, else nothing."""
    return f", analog: {100 * share:.1f} % of the weights" if _worth_saying(share) else ""


def share_row(curves: Sequence[Measured]) -> list[str]:
    """Return the share of each curve's network for a table, or nothing where all are analog or not known."""
    shares = [curve.analog_share for curve in curves]
    if not any(_worth_saying(share) for share in shares):
        return []
    return ["-" if share is None else f"{100 * share:.1f} %" for share in shares]


def _worth_saying(share: float | None) -> TypeGuard[float]:
    return share is not None and share < SHARE_LEFT_UNSAID
