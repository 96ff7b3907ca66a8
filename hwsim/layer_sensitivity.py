"""What programming error and drift of each layer cost: one layer at a time on chips, the others with ideal weights.

The others compute as they do on chips, with converters and noise of the products, but with the weights they were
meant to have. Each cost is a difference on one and the same chip, so that what chips have in common cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from hwsim.arguments import number, require, times, whole
from hwsim.chips import program
from hwsim.conversion import require_analog
from hwsim.devices import Device
from hwsim.drift import accuracy_over_time
from hwsim.one_layer_chips import OneLayerChips
from hwsim.table import Table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LayerCost:
    """What the programming error and drift of one layer cost.

    Attributes:
        layer: as in `named_modules`.
        weights: how many it has.
        share_of_weights: of those of all analog layers, 0 to 1.
        cost: mean over chips of what the accuracy loses, 0 to 1; below 0 where it gains.
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
class Sensitivity:
    """What the programming error and drift of each layer cost, the most expensive first.

    Attributes:
        layers: a cost for each analog layer, sorted.
        whole: the cost of all layers on chips; its name is empty.
        ideal: mean accuracy over chips with no layer on chips.
        t_s: seconds since programming.
        costs: `(layers, chips)` float64, in the order of `layers`.
    """

    layers: tuple[LayerCost, ...]
    whole: LayerCost
    ideal: float
    t_s: float
    costs: npt.NDArray[np.float64]

    def digital_layers(self, least: float = 0.0) -> list[str]:
        """Return layers whose cost is above `least` for certain, the most expensive first: what to keep digital.

        Args:
            least: accuracy, 0 to 1, that the lower end of a layer's interval must be above.

        Raises:
            TypeError: for anything but a number.

        Example:
            >>> import numpy as np
            >>> costs = LayerCost("a", 9, 0.9, 0.1, 0.08, 0.12), LayerCost("b", 1, 0.1, 0.0, -0.1, 0.1)
            >>> Sensitivity(costs, costs[0], 0.9, 1.0, np.zeros((2, 3))).digital_layers()
            ['a']
        """
        least = number("least", least)
        return [layer.layer for layer in self.layers if layer.low > least]

    def to_frame(self) -> pd.DataFrame:
        """Return a row a layer, with the attributes of `LayerCost` as columns."""
        import pandas as pd

        names = ("layer", "weights", "share_of_weights", "cost", "low", "high", "is_level")
        return pd.DataFrame({name: [getattr(layer, name) for layer in self.layers] for name in names})

    def plot(self) -> Any:
        """Return a plotly figure: a bar a layer, with its 95 % interval, the most expensive on top."""
        import plotly.graph_objects as go

        rows = self.layers[::-1]  # plotly draws the first at the bottom
        cost, low, high = (
            np.array([getattr(row, name) for row in rows]) * 100 for name in ("cost", "low", "high")
        )
        bar = go.Bar(
            x=cost,
            y=[_shown(row.layer) for row in rows],
            orientation="h",
            error_x={"array": high - cost, "arrayminus": cost - low},
            customdata=[100 * row.share_of_weights for row in rows],
            hovertemplate="%{y}: %{x:.2f} points, %{customdata:.1f} % of the weights<extra></extra>",
        )
        return go.Figure(
            bar,
            {
                "template": "plotly_white",
                "title": {"text": f"cost of one layer on chips, {self.t_s:g} s after programming"},
                "xaxis": {"title": {"text": "accuracy lost, points (95 % interval over chips)"}},
                "yaxis": {"type": "category", "automargin": True},
            },
        )

    def __repr__(self) -> str:
        """Return the most expensive layer and the sum."""
        return f"Sensitivity({len(self.layers)} layers, most: {_shown(self.layers[0].layer)}, {self._foot()})"

    def __str__(self) -> str:
        """Return a table, a row a layer."""
        return str(self._table())

    def _repr_html_(self) -> str:
        return self._table().to_html()

    def _table(self) -> Table:
        rows = [
            (
                _shown(row.layer),
                f"{row.weights:,}",
                f"{100 * row.share_of_weights:.1f} %",
                f"{100 * row.cost:.2f}",
                _interval(row),
                "level" if row.is_level else "",
            )
            for row in self.layers
        ]
        head = ("layer", "weights", "share", "points lost", "95 % interval", "")
        return Table(head, rows, foot=self._foot())

    def _foot(self) -> str:
        return (
            f"all layers: {100 * self.whole.cost:.2f} points ({_interval(self.whole)}) of {100 * self.ideal:.2f} % "
            f"at {self.t_s:g} s, {self.costs.shape[1]} chips"
        )


def sensitivity(
    net: nn.Module,
    data: tuple[torch.Tensor | np.ndarray, torch.Tensor | np.ndarray],
    t_s: float = 86_400.0,
    *,
    chips: int = 10,
    seed: int = 0,
    device: Device | None = None,
    progress: bool = False,
) -> Sensitivity:
    """Return what the programming error and drift of one layer at a time cost.

    Every chip is evaluated once for each layer, and twice more: with no layer and with all of them on chips.

    Args:
        net: an analog, calibrated network.
        data: inputs `(images, ...)` and their classes `(images,)`.
        t_s: seconds since programming; 0 for programming error alone, as it is first read.
        chips: how many, at least 2: chips number 0 and on of the seed.
        seed: of the chips.
        device: any object with what `hwsim.devices.Device` has, in place of the device of the hardware.
        progress: show a progress bar on a terminal.

    Raises:
        ValueError: for what `program` and `accuracy_over_time` refuse, several times, or less than 2 chips.
        TypeError: for an argument of another type.
    """
    layers = require_analog(net)
    require(data, tuple, "`data` must be `(x, y)`")
    if len(data) != 2:
        raise ValueError(f"`data` must be `(x, y)`, got {len(data)} of them")
    n = whole("chips", chips, least=2)
    asked = times(t_s)
    if len(asked) != 1:
        raise ValueError(f"`t_s` must be one time, got {len(asked)} of them: ask for each by itself")
    variants = OneLayerChips(program(net, n, seed, device=device))
    curve = accuracy_over_time(variants, *data, asked, progress=progress)
    accuracy = curve.accuracy[0].reshape(n, variants.n_variants).T  # none, each layer, all
    costs = accuracy[:1] - accuracy[1:]
    sizes = {name: layer.weight.numel() for name, layer in layers.items()}
    total = sum(sizes.values())
    found = [_cost(name, size, size / total, costs[row]) for row, (name, size) in enumerate(sizes.items())]
    order = sorted(range(len(found)), key=lambda row: -found[row].cost)
    return Sensitivity(
        layers=tuple(found[row] for row in order),
        whole=_cost("", total, 1.0, costs[-1]),
        ideal=float(accuracy[0].mean()),
        t_s=asked[0],
        costs=costs[order],
    )


def _cost(layer: str, weights: int, share: float, costs: npt.NDArray[np.float64]) -> LayerCost:
    from scipy import stats  # 0.5 s, and only needed here

    quantile = float(stats.t.ppf(0.975, len(costs) - 1))
    mean, half = float(costs.mean()), quantile * float(costs.std(ddof=1)) / len(costs) ** 0.5
    return LayerCost(layer, weights, share, mean, mean - half, mean + half)


def _shown(layer: str) -> str:
    return layer or "(the network)"


def _interval(cost: LayerCost) -> str:
    return f"{100 * cost.low:.2f} to {100 * cost.high:.2f}"
