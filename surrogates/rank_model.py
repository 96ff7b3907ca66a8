"""A model of ranks, fitted on measured networks of one task or several: boosted trees on normal scores.

Within each table a target becomes the normal score of its rank. Ranks carry over to other tasks and chips, values do
not: 0.9 is a good accuracy on one task and a poor one on another. A prediction is a normal score: how much better than
the median network of its table a network would be, in standard deviations.

    mean     = m
    variance = (1 - u) k + u max(k, 1),   k = d² + σ²

m and d are mean and standard deviation of the trees. σ is the noise of a measurement: σ² is the mean square of the
out-of-fold errors less d². u, from 0 to 1, is the share of a prediction that is unknown. It is 0 inside the range of
every feature of the fit, and grows in proportion to the distance from that range. From half a width of the range on, u
is 1, and the variance at least that of any network. The mean stays that of the nearest networks that were seen, as
trees extrapolate: it still orders networks of a task with larger ones, where a mean of 0 would not.

The model is one JSON document: trees as XGBoost writes them, everything else as plain numbers. Nothing is pickled.

References:
    D. Salinas, H. Shen, V. Perrone, A quantile-based approach for hyperparameter transfer learning, ICML 2020,
    arXiv 1909.13595 (ranks as normal scores carry over between tasks).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import numpy.typing as npt

from surrogates.boosters import FittedBoosters
from surrogates.quality import NINETY
from surrogates.surrogate import Prediction
from surrogates.training_table import feature_array
from surrogates.tree_check import check_trees

if TYPE_CHECKING:
    import pandas as pd

KIND: Final = "rank-model"

MOST_UNKNOWN: Final = 0.5
"""Share of a prediction above which no value is given."""

PROBABILITIES: Final = (np.arange(101) + 0.5) / 101
"""At which the values of a target are kept."""

_RANKS_ALONE: Final = "the model was fitted on several tables, of which ranks carry over and values do not"

Values = npt.NDArray[np.float64]


@final
@dataclass(frozen=True)
class RankModel:
    """Boosted trees of all targets, and where they know something.

    Attributes:
        boosters: predict normal scores.
        noise: `(targets,)` standard deviation of measurements around the prediction, normal scores.
        low: `(features,)` smallest value of each feature that was seen.
        high: `(features,)` largest value of each feature that was seen.
        background: `(m, features)` float32, some of the networks.
        held_out: Kendall τ of out-of-fold predictions by table and target.
        quantiles: by target its values at the probabilities of `PROBABILITIES`, where the fit was on one table; empty
            where it was on several, whose values do not compare.
    """

    boosters: FittedBoosters
    noise: Values
    low: Values
    high: Values
    background: npt.NDArray[np.float32]
    held_out: Mapping[str, Mapping[str, float]]
    quantiles: Mapping[str, Values] = field(default_factory=dict)

    @property
    def features(self) -> list[str]:
        """Names of the features of the fit."""
        return self.boosters.feature_names

    @property
    def targets(self) -> list[str]:
        """Names of the targets."""
        return self.boosters.target_names

    def outside(self, features: pd.DataFrame) -> Values:
        """Return how far each network is outside of what was seen, `(n,)`, widths of the range of a feature; 0 inside.

        Raises:
            ValueError: when a feature of the fit is missing.
        """
        return np.asarray(self._beyond(features).max(axis=1))

    def farthest(self, features: pd.DataFrame) -> list[str]:
        """Return the feature by which each network is farthest outside of what was seen, `n` names; "" for one inside.

        Raises:
            ValueError: when a feature of the fit is missing.
        """
        beyond = self._beyond(features)
        names = np.array(self.features)[beyond.argmax(axis=1)]
        return [str(name) for name in np.where(beyond.max(axis=1) > 0, names, "")]

    def _beyond(self, features: pd.DataFrame) -> Values:
        x = feature_array(features, self.features).astype(np.float64)
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        return np.asarray(np.maximum(np.maximum(self.low - x, x - self.high), 0.0) / width)

    def unknown(self, features: pd.DataFrame) -> Values:
        """Return which share of a prediction is unknown, `(n,)`: 0 inside of what was seen, 1 half a width outside.

        Raises:
            ValueError: when a feature of the fit is missing.
        """
        return np.minimum(2 * self.outside(features), 1.0)

    def predict(self, features: pd.DataFrame) -> Prediction:
        """Return normal scores, and the standard deviation of what a measurement would be, `(n, targets)` each.

        Raises:
            ValueError: when a feature of the fit is missing.
        """
        prediction = self.boosters.predict(features)
        unknown = self.unknown(features)[:, None]
        known = np.square(prediction.std.to_numpy()) + np.square(self.noise)
        variance = (1 - unknown) * known + unknown * np.maximum(known, 1.0)
        return Prediction(mean=prediction.mean, std=prediction.std * 0 + np.sqrt(variance))

    def values(self, features: pd.DataFrame) -> dict[str, Values]:
        """Return, by target, the median of what a measurement would be and the ends of its 90 % interval, `(n, 3)`.

        NaN where more than `MOST_UNKNOWN` of a prediction is unknown: values beyond those that were measured are not
        known, and neither is an interval that should hold them.

        Raises:
            ValueError: when a feature of the fit is missing, or the fit was on several tables.
        """
        if not self.quantiles:
            raise ValueError(_RANKS_ALONE)
        found = self.predict(features)
        known = self.unknown(features) <= MOST_UNKNOWN
        values = {}
        for name in self.targets:
            mean, std = found.mean[name].to_numpy(), found.std[name].to_numpy()
            three = [_value_at(mean + reach * std, self.quantiles[name]) for reach in (0.0, -NINETY, NINETY)]
            values[name] = np.where(known[:, None], np.stack(three, axis=1), np.nan)
        return values

    def measured(self, target: str, scores: Values) -> Values:
        """Return what networks of these normal scores measure, in the unit of a target, `(n,)`.

        Raises:
            ValueError: when the fit was on several tables.
        """
        if not self.quantiles:
            raise ValueError(_RANKS_ALONE)
        return _value_at(scores, self.quantiles[target])

    def to_json(self) -> dict[str, Any]:
        """Return the model, JSON-able."""
        boosters = self.boosters
        return {
            "kind": KIND,
            "features": boosters.feature_names,
            "targets": boosters.target_names,
            "location": boosters.location.tolist(),
            "scale": boosters.scale.tolist(),
            "trees": [[json.loads(one.save_raw("json")) for one in members] for members in boosters.boosters],
            "noise": self.noise.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "background": self.background.astype(float).round(6).tolist(),
            "held_out": {table: dict(taus) for table, taus in self.held_out.items()},
            "quantiles": {name: values.tolist() for name, values in self.quantiles.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any], n_jobs: int = 1) -> RankModel:
        """Read what `to_json` gave.

        Raises:
            ValueError: when it is of another kind, a key is missing, or a part is damaged.
        """
        import xgboost

        if content.get("kind") != KIND:
            raise ValueError(f"`kind` must be {KIND}, got {content.get('kind')!r:.40}")
        try:
            features, targets = _names("features", content), _names("targets", content)
            trees = [[_booster(one, len(features)) for one in members] for members in content["trees"]]
            arrays = {
                name: _numbers(name, content[name])
                for name in ("location", "scale", "noise", "low", "high", "background")
            }
            held_out = {table: dict(taus) for table, taus in content["held_out"].items()}
            quantiles = {
                name: _numbers("quantiles", values) for name, values in content.get("quantiles", {}).items()
            }
        except KeyError as missing:
            raise ValueError(f"the key {missing} is missing") from None
        except (TypeError, ValueError, AttributeError, xgboost.core.XGBoostError) as error:
            said = [line.strip(" ;") for line in str(error).splitlines()]
            reason = next((line for line in reversed(said) if line), type(error).__name__)
            raise ValueError(f"a part of the model is damaged: {reason:.120}") from None
        lengths = {
            "location": targets, "scale": targets, "noise": targets, "low": features, "high": features,
        }  # fmt: skip
        wrong = [name for name, names in lengths.items() if arrays[name].shape != (len(names),)]
        background = arrays["background"]
        if background.ndim != 2 or background.shape[1] != len(features):
            wrong.append("background")
        known = {one.num_features() for members in trees for one in members}
        members = {len(own) for own in trees}
        if wrong or len(trees) != len(targets) or len(members) != 1 or known != {len(features)}:
            part = wrong[0] if wrong else "trees"
            raise ValueError(f"a part of the model is damaged: `{part}` does not fit features and targets")
        if quantiles and (
            quantiles.keys() != set(targets)
            or any(
                values.shape != PROBABILITIES.shape or not (np.diff(values) >= 0).all()
                for values in quantiles.values()
            )
        ):
            raise ValueError(
                "a part of the model is damaged: `quantiles` must ascend, as many for every target"
            )
        broken = [name for name, values in arrays.items() if not np.isfinite(values).all()]
        if broken:
            raise ValueError(f"a part of the model is damaged: `{broken[0]}` must be finite")
        if (arrays["low"] > arrays["high"]).any() or (arrays["noise"] < 0).any():
            raise ValueError("a part of the model is damaged: `low <= high` and `noise >= 0` must hold")
        boosters = FittedBoosters(KIND, features, targets, arrays["location"], arrays["scale"], trees, n_jobs)
        return cls(
            boosters,
            arrays["noise"],
            arrays["low"],
            arrays["high"],
            background.astype(np.float32),
            held_out,
            quantiles,
        )


def _value_at(scores: Values, quantiles: Values) -> Values:
    """Return the values at normal scores, between the smallest and the largest that were measured."""
    from scipy.special import ndtr

    return np.asarray(np.interp(ndtr(scores), PROBABILITIES, quantiles))


def _numbers(name: str, values: object) -> Values:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must be numbers, in rows of one length") from None


def _names(part: str, content: Mapping[str, Any]) -> list[str]:
    names = content[part]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"`{part}` must be names")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`{part}` must be different names, at least one")
    return names


def _booster(content: Mapping[str, Any], n_features: int) -> Any:
    import xgboost

    check_trees(content, n_features)
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(content).encode()))
    return booster
