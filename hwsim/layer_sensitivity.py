"""What programming error and drift of each layer cost: one layer at a time on chips, the others with ideal weights.

The others compute as they do on chips, with converters and noise of the products, but with the weights they were
meant to have. Each cost is a difference on one and the same chip, so that what chips have in common cancels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import numpy.typing as npt
from torch import nn

from hwsim.arguments import number, require, seconds, whole
from hwsim.batched import CHIPS_AT_ONCE
from hwsim.chips import program
from hwsim.conversion import require_analog
from hwsim.devices import Device
from hwsim.durations import Time, time_label
from hwsim.evaluation import Metric, measured, metrics_by_name
from hwsim.figure_theme import BEST, INK, new_figure, plain
from hwsim.inference import BATCH_SIZE, checked_job
from hwsim.measured import is_share
from hwsim.one_layer_chips import OneLayerChips
from hwsim.optional_library import needs
from hwsim.text_table import ShownAsTable, Table

if TYPE_CHECKING:
    import pandas as pd

LOSSES: Final = ("cross-entropy", "mse", "mae")
"""Metrics by name that get worse as they rise."""


@dataclass(frozen=True)
class LayerCost:
    """What the programming error and drift of one layer cost.

    Attributes:
        layer: as in `named_modules`.
        weights: how many it has.
        share_of_weights: of those of all analog layers, 0 to 1.
        cost: mean over chips of what the metric gets worse by; below 0 where it gets better.
        low: lower end of the 95 % interval of `cost` over chips.
        high: its upper end.
    """

    layer: str
    weights: int
    share_of_weights: float
    cost: float
    low: float
    high: float

    @property
    def is_level(self) -> bool:
        """Whether the interval holds zero, so that no cost was found."""
        return self.low <= 0 <= self.high


@final
@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(ShownAsTable):
    """What the programming error and drift of each layer cost, the most expensive first.

    Attributes:
        layers: a cost for each analog layer, sorted.
        whole: the cost of all layers on chips; its name is empty.
        ideal: mean of the metric over chips with no layer on chips.
        metric: its name; costs of shares such as accuracy are 0 to 1, and shown in points.
        t_s: seconds since programming.
        costs: `(layers, chips)` float64, in the order of `layers`.
    """

    layers: tuple[LayerCost, ...]
    whole: LayerCost
    ideal: float
    metric: str
    t_s: float
    costs: npt.NDArray[np.float64]

    def digital_layers(self, least: float = 0.0) -> list[str]:
        """Return layers whose cost is above `least` for certain, the most expensive first: what to keep digital.

        Args:
            least: what the lower end of a layer's interval must be above, in the unit of the metric.

        Raises:
            TypeError: for anything but a number.

        Example:
            >>> import numpy as np
            >>> costs = LayerCost("a", 9, 0.9, 0.1, 0.08, 0.12), LayerCost("b", 1, 0.1, 0.0, -0.1, 0.1)
            >>> Sensitivity(costs, costs[0], 0.9, "accuracy", 1.0, np.zeros((2, 3))).digital_layers()
            ['a']
        """
        least = number("least", least)
        return [layer.layer for layer in self.layers if layer.low > least]

    def to_frame(self) -> pd.DataFrame:
        """Return a row a layer, with the attributes of `LayerCost` as columns."""
        needs("pandas", "a data frame")
        import pandas as pd

        names = ("layer", "weights", "share_of_weights", "cost", "low", "high", "is_level")
        return pd.DataFrame({name: [getattr(layer, name) for layer in self.layers] for name in names})

    def plot(self) -> Any:
        """Return a plotly figure: a bar a layer, with its 95 % interval, the most expensive on top."""
        rows = self.layers[::-1]  # plotly draws the first at the bottom
        cost, low, high = (
            np.array([getattr(row, name) for row in rows]) * self._scale for name in ("cost", "low", "high")
        )
        figure = new_figure(120 + 28 * len(rows))
        figure.add_bar(
            x=cost,
            y=[plain(_shown(row.layer)) for row in rows],
            orientation="h",
            marker={"color": BEST},
            error_x={"array": high - cost, "arrayminus": cost - low, "color": INK},
            customdata=[100 * row.share_of_weights for row in rows],
            hovertemplate="%{y}: %{x:.4g}, %{customdata:.1f} % of the weights<extra></extra>",
        )
        figure.update_xaxes(
            title_text=f"{self._head}, {time_label(self.t_s)} after programming; 95 % interval over chips"
        )
        figure.update_yaxes(type="category")
        figure.update_layout(margin_t=44)  # the tool bar of plotly lies there
        return figure

    def __repr__(self) -> str:
        """Return the most expensive layer and the sum."""
        return f"Sensitivity({len(self.layers)} layers, most: {_shown(self.layers[0].layer)}, {self._foot()})"

    @property
    def _scale(self) -> float:
        return 100.0 if is_share(self.metric) else 1.0

    @property
    def _head(self) -> str:
        return f"{self.metric} lost, points" if is_share(self.metric) else f"{self.metric}: worse by"

    def _table(self) -> Table:
        rows = [
            (
                _shown(row.layer),
                f"{row.weights:,}",
                f"{100 * row.share_of_weights:.1f} %",
                self._text(row.cost),
                self._interval(row),
                "level" if row.is_level else "",
            )
            for row in self.layers
        ]
        return Table(("layer", "weights", "share", self._head, "95 % interval", ""), rows, foot=self._foot())

    def _foot(self) -> str:
        ideal = f"{100 * self.ideal:.2f} %" if is_share(self.metric) else f"{self.ideal:.4g}"
        return (
            f"all layers: {self._text(self.whole.cost)} ({self._interval(self.whole)}) of {ideal} after "
            f"{time_label(self.t_s)}, {self.costs.shape[1]} chips"
        )

    def _interval(self, cost: LayerCost) -> str:
        return f"{self._text(cost.low)} to {self._text(cost.high)}"

    def _text(self, value: float) -> str:
        return f"{100 * value:.2f}" if is_share(self.metric) else f"{value:.4g}"


def sensitivity(
    net: nn.Module,
    data: object,
    t_s: Time = "1 day",
    *,
    chips: int = 10,
    seed: int = 0,
    metric: Metric = "accuracy",
    lower_is_better: bool | None = None,
    device: Device | None = None,
    progress: bool | None = None,
) -> Sensitivity:
    """Return what the programming error and drift of one layer at a time cost.

    Every chip is evaluated once for each layer, and twice more: with no layer and with all of them on chips.

    Args:
        net: an analog, calibrated network.
        data: `(x, y)` or batches of that, as for `hwsim.evaluate`.
        t_s: seconds since programming, or a text such as `1 day`; 0 for programming error alone, as it is first read.
        chips: how many, at least 2: chips number 0 and on of the seed.
        seed: of the chips.
        metric: a name, a function or an object, as for `hwsim.evaluate`.
        lower_is_better: whether a metric gets worse as it rises; None for what is known of `cross-entropy`, `mse` and
            `mae`, and False for all others.
        device: any object with what `hwsim.devices.Device` has, in place of the device of the hardware.
        progress: True reports on the error stream, False never does, None where it takes more than a few seconds.

    Raises:
        ValueError: for what `program` and `evaluate` refuse, several times or metrics, or less than 2 chips.
        TypeError: for an argument of another type.
    """
    layers = require_analog(net)
    n = whole("chips", chips, least=2)
    time = seconds("t_s", t_s)
    if isinstance(metric, Mapping | list | tuple):
        raise ValueError(
            f"`metric` must be one metric, got a {type(metric).__name__}: ask for each by itself"
        )
    if lower_is_better is None:
        lower_is_better = isinstance(metric, str) and metric in LOSSES
    require(lower_is_better, bool, "`lower_is_better` must be True, False or None")
    programmed = program(net, n, seed, device=device)
    variants = OneLayerChips(programmed)
    job = checked_job(programmed, data, time, BATCH_SIZE, CHIPS_AT_ONCE, None, progress, needs_targets=True)
    (curve,) = measured(replace(job, readings=variants), metrics_by_name(metric), progress).values()
    values = curve.values[0].reshape(n, variants.n_variants).T  # none, each layer, all
    costs = (values[:1] - values[1:]) * (-1 if lower_is_better else 1)
    sizes = {name: layer.weight.numel() for name, layer in layers.items()}
    total = sum(sizes.values())
    found = [_cost(name, size, size / total, costs[row]) for row, (name, size) in enumerate(sizes.items())]
    order = sorted(range(len(found)), key=lambda row: -found[row].cost)
    return Sensitivity(
        layers=tuple(found[row] for row in order),
        whole=_cost("", total, 1.0, costs[-1]),
        ideal=float(values[0].mean()),
        metric=curve.metric,
        t_s=time,
        costs=costs[order],
    )


def _cost(layer: str, weights: int, share: float, costs: npt.NDArray[np.float64]) -> LayerCost:
    needs("scipy", "an interval over chips")
    from scipy import stats  # 0.5 s, and only needed here

    quantile = float(stats.t.ppf(0.975, len(costs) - 1))
    mean, half = float(costs.mean()), quantile * float(costs.std(ddof=1)) / len(costs) ** 0.5
    return LayerCost(layer, weights, share, mean, mean - half, mean + half)


def _shown(layer: str) -> str:
    return layer or "(the network)"
