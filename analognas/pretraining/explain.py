"""What a fitted model says of architectures: which features the model uses, and how its prediction changes with each.

    importance            share of the gain of all splits of the trees
    partial dependence    mean prediction over networks that were seen, with one feature set to a value

A partial dependence is what the model makes of a feature, not what a change of the network would do: features are
correlated, and networks of such a kind may not exist.

References:
    J. H. Friedman, Greedy function approximation: A gradient boosting machine, Annals of Statistics 29, 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analognas.errors import UserError, remedy
from analognas.files import write_bytes
from analognas.metrics import TABLE
from analognas.strategies.pretrained_file import Pretrained
from surrogates.rank_model import RankModel

POINTS: Final = 21
"""Values of a feature, at equal steps of its quantiles from the 5 % to the 95 % one."""

LEAST_RISE: Final = 0.1
"""A smaller change from the 5 % to the 95 % quantile counts as none, standard deviations of the target's scores."""

_COLUMNS: Final = 3


@dataclass(frozen=True)
class Effect:
    """What a model makes of one feature.

    Attributes:
        target: that is predicted.
        feature: its name.
        importance: share of the gain, all features of a target together 1.
        values: `(points,)` of the feature.
        score: `(points,)` mean prediction there, normal scores.
        measured: `(points,)` what a network of that score measures, in the unit of the target; None for a model of
            several tasks, whose values do not compare.
    """

    target: str
    feature: str
    importance: float
    values: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]
    measured: npt.NDArray[np.float64] | None = None

    @property
    def shown(self) -> npt.NDArray[np.float64]:
        """The prediction in the unit that a reader sees: that of the target where it is known, times 100 for shares."""
        if self.measured is None:
            return self.score
        metric = TABLE.get(self.target)
        return self.measured * (100.0 if metric is not None and metric.is_share else 1.0)

    @property
    def rise(self) -> float:
        """The change of the prediction from the lowest to the highest value."""
        return float(self.score[-1] - self.score[0])

    @property
    def direction(self) -> str:
        """In words."""
        inner = float(np.ptp(self.score)) - abs(self.rise)
        if inner > max(abs(self.rise), LEAST_RISE):
            top = float(self.values[int(np.argmax(np.abs(self.score - self.score[0])))])
            peak = (
                "highest" if self.score.max() - self.score[0] > self.score[0] - self.score.min() else "lowest"
            )
            return f"{peak} at {top:.2f}"
        if abs(self.rise) < LEAST_RISE:
            return "hardly any change"
        return "rises" if self.rise > 0 else "falls"


@dataclass(frozen=True)
class Explanation:
    """The effects of the features that matter most, by target in order of importance."""

    model: Pretrained
    effects: tuple[Effect, ...]

    def to_text(self) -> str:
        """Return a line a feature and target."""
        meanings = self.model.card.get("features", {})
        lines = []
        for target in self.model.model.targets:
            lines.append(f"{target} ({self.unit(target)}, over the middle 90 % of each feature)")
            lines += [
                f"  {effect.feature:<22} {effect.importance:6.1%}  {effect.direction:<22} "
                f"{effect.shown[-1] - effect.shown[0]:+.2f}  "
                f"{meanings.get(effect.feature, '')}".rstrip()
                for effect in self.effects
                if effect.target == target
            ]
        return "\n".join(lines)

    def unit(self, target: str) -> str:
        """Return what effects on a target are in."""
        if not self.model.model.quantiles:
            return "normal score"
        metric = TABLE.get(target)
        return "points" if metric is not None and metric.is_share else "as measured"

    def to_json(self) -> list[dict[str, Any]]:
        """Return the effects, JSON-able."""
        return [
            {
                "target": effect.target,
                "feature": effect.feature,
                "importance": effect.importance,
                "direction": effect.direction,
                "rise": effect.rise,
                "values": effect.values.tolist(),
                "score": effect.score.tolist(),
                "measured": None if effect.measured is None else effect.measured.tolist(),
            }
            for effect in self.effects
        ]

    def plot(self, target: str) -> Any:
        """Return a plotly figure of the partial dependences of a target.

        Raises:
            UserError: for a target that the model does not predict.
        """
        import plotly.graph_objects as go
        from plotly.subplots import make_subplots

        own = [effect for effect in self.effects if effect.target == target]
        if not own:
            raise UserError(
                f"{self.model.path}: does not predict {target!r:.60}, but {', '.join(self.model.model.targets)}"
            )
        rows = -(-len(own) // _COLUMNS)
        titles = [f"{effect.feature} ({effect.importance:.0%})" for effect in own]
        figure = make_subplots(
            rows, _COLUMNS, subplot_titles=titles, shared_yaxes="all", vertical_spacing=0.5 / rows / 2
        )
        for number, effect in enumerate(own):
            place = {"row": number // _COLUMNS + 1, "col": number % _COLUMNS + 1}
            line = go.Scatter(x=effect.values, y=effect.shown, mode="lines", line={"color": "#0072B2"})
            figure.add_trace(line, **place)
        figure.update_layout(
            title=f"{target}: what {self.model.card['name']} makes of each feature, {self.unit(target)}",
            showlegend=False,
            template="simple_white",
            height=120 + 220 * rows,
        )
        return figure


def explain(model: Pretrained, features: int = 9) -> Explanation:
    """Return what the `features` most important features of each target do."""
    found = []
    for number, target in enumerate(model.model.targets):
        importance = _importance(model.model, number)
        for feature in sorted(importance, key=lambda name: -importance[name])[:features]:
            values, score = _dependence(model.model, number, feature)
            measured = model.model.measured(target, score) if model.model.quantiles else None
            found.append(Effect(target, feature, importance[feature], values, score, measured))
    return Explanation(model, tuple(found))


def write_plots(explanation: Explanation, path: Path) -> None:
    """Write the figures of all targets into one HTML page, which needs no network.

    Raises:
        UserError: when it cannot be written.
    """
    parts = [
        explanation.plot(target).to_html(full_html=False, include_plotlyjs=number == 0)
        for number, target in enumerate(explanation.model.model.targets)
    ]
    page = f"<!doctype html><meta charset='utf-8'><title>{escape(path.stem)}</title>" + "\n".join(parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, page.encode())
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}; {remedy(error)}") from None


def _importance(model: RankModel, target: int) -> dict[str, float]:
    gains = dict.fromkeys(model.features, 0.0)
    for booster in model.boosters.boosters[target]:
        for name, gain in booster.get_score(importance_type="total_gain").items():
            gains[model.features[int(name.removeprefix("f"))]] += float(np.sum(gain))
    total = sum(gains.values()) or 1.0
    return {name: gain / total for name, gain in gains.items()}


def _dependence(
    model: RankModel, target: int, feature: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    background = pd.DataFrame(model.background, columns=model.features)
    values = np.unique(np.quantile(background[feature], np.linspace(0.05, 0.95, POINTS)))
    stacked = pd.concat([background.assign(**{feature: np.float32(value)}) for value in values])
    mean = model.boosters.predict(stacked).mean.to_numpy()[:, target]
    return values.astype(np.float64), mean.reshape(len(values), -1).mean(axis=1)
