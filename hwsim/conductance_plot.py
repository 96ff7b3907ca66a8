"""Draws conductances over time, mean and standard deviation for each target, in the look of curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hwsim.characterize import Statistic
from hwsim.curve_figure import curve_figure
from hwsim.figure_theme import plain


@dataclass(frozen=True, eq=False)
class ConductanceCurve:
    """The conductance of many devices with one target, as figures show curves.

    Attributes:
        times_s: seconds since programming.
        mean: over devices, `(times,)` float64, µS.
        std: standard deviation over devices, `(times,)` float64, µS.
    """

    times_s: tuple[float, ...]
    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    chips: tuple[int, ...] = (0,)
    metric: str = "conductance, µS"
    analog_share: None = None

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """The mean, `(times, 1)`: single devices are not kept."""
        return self.mean[:, None]


def plot_conductances(path: Path, name: str, statistics: Sequence[Statistic]) -> None:
    """Write an HTML page of conductances over time.

    Args:
        path: ends in .html.
        name: of the device, for the title.
        statistics: one for each target and time.

    Raises:
        ValueError: for a path that cannot be written to.
    """
    targets = sorted({statistic.g_us for statistic in statistics}, reverse=True)  # in the order of the lines
    figure = curve_figure([(f"{g_us:g} µS", _curve(statistics, g_us)) for g_us in targets])
    figure.update_layout(
        title_text=plain(f"{name}: mean and standard deviation over devices"), margin={"t": 72}
    )
    try:
        path.write_text(figure.to_html(include_plotlyjs=True), encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path}: must be a file that can be written: {error.strerror or error}") from None


def require_html(path: Path) -> None:
    """Raise ValueError unless `path` ends in .html."""
    if path.suffix.lower() != ".html":
        raise ValueError(f"`--plot` must end in .html, got {path}: a browser saves the drawing as an image")


def _curve(statistics: Sequence[Statistic], g_us: float) -> ConductanceCurve:
    points = sorted((point for point in statistics if point.g_us == g_us), key=lambda point: point.t_s)
    return ConductanceCurve(
        tuple(point.t_s for point in points),
        np.array([point.mean_us for point in points]),
        np.array([point.std_us for point in points]),
    )
