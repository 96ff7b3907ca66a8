"""A model of ranks, fitted on measured networks of one task or several: boosted trees on normal scores.

Within each table a target becomes the normal score of its rank. Ranks carry over to other tasks and chips, values do
not: 0.9 is a good accuracy on one task and a poor one on another. A prediction is a normal score: how much better than
the median network of its table a network would be, in standard deviations.

    mean     = (1 - u) m
    variance = (1 - u) k + u max(k, 1),   k = d² + σ²

m and d are mean and standard deviation of the trees. σ is the noise of a measurement: σ² is the mean square of the
out-of-fold errors less d². u, from 0 to 1, is the share of a prediction that is unknown. It is 0 inside the range of
every feature of the fit, and grows in proportion to the distance from that range. From half a width of the range on, u
is 1: a network there is like any other, with mean 0 and a variance of at least 1.

The model is one JSON document: trees as XGBoost writes them, everything else as plain numbers. Nothing is pickled.

References:
    D. Salinas, H. Shen, V. Perrone, A quantile-based approach for hyperparameter transfer learning, ICML 2020,
    arXiv 1909.13595 (ranks as normal scores carry over between tasks).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import numpy.typing as npt

from surrogates.boosters import FittedBoosters
from surrogates.kendall import kendall_or_zero
from surrogates.quality import NINETY
from surrogates.rank_recipes import RECIPES
from surrogates.surrogate import Prediction
from surrogates.training_table import feature_array, training_arrays
from surrogates.xgboost_ensemble import XGBoostSurrogate

if TYPE_CHECKING:
    import pandas as pd

KIND: Final = "rank-model"
FOLDS: Final = 5

MOST_UNKNOWN: Final = 0.5
"""Share of a prediction above which no value is given."""

PROBABILITIES: Final = (np.arange(101) + 0.5) / 101
"""At which the values of a target are kept."""

BACKGROUND: Final = 200
"""Networks that are kept with a model, for partial dependence."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrainingTable:
    """Measured networks of one task on one hardware.

    Attributes:
        name: of the table.
        features: `(n, features)`.
        targets: `(n, targets)` measured values, the larger the better or not.
        networks: `(n,)` equal numbers for rows of one network, which a cross-validation keeps together; None where
            every row is another one.
    """

    name: str
    features: pd.DataFrame
    targets: pd.DataFrame
    networks: npt.NDArray[np.intp] | None = None


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
        x = feature_array(features, self.features).astype(np.float64)
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        beyond = np.maximum(np.maximum(self.low - x, x - self.high), 0.0) / width
        return np.asarray(beyond.max(axis=1))

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
        return Prediction(mean=prediction.mean * (1 - unknown), std=prediction.std * 0 + np.sqrt(variance))

    def values(self, features: pd.DataFrame) -> dict[str, Values]:
        """Return, by target, the median of what a measurement would be and the ends of its 90 % interval, `(n, 3)`.

        NaN where more than `MOST_UNKNOWN` of a prediction is unknown: values beyond those that were measured are not
        known, and neither is an interval that should hold them.

        Raises:
            ValueError: when a feature of the fit is missing, or the fit was on several tables.
        """
        if not self.quantiles:
            raise ValueError(
                "the model was fitted on several tables, of which ranks carry over and values do not"
            )
        found = self.predict(features)
        known = self.unknown(features) <= MOST_UNKNOWN
        values = {}
        for name in self.targets:
            mean, std = found.mean[name].to_numpy(), found.std[name].to_numpy()
            three = [_value_at(mean + reach * std, self.quantiles[name]) for reach in (0.0, -NINETY, NINETY)]
            values[name] = np.where(known[:, None], np.stack(three, axis=1), np.nan)
        return values

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
            features, targets = list(content["features"]), list(content["targets"])
            trees = [[_booster(one) for one in members] for members in content["trees"]]
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
            reason = str(error).splitlines()[-1] if str(error) else type(error).__name__
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


def _booster(content: Mapping[str, Any]) -> Any:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(content).encode()))
    return booster


def fit_rank_model(
    tables: Sequence[TrainingTable],
    rng: np.random.Generator,
    recipes: Sequence[XGBoostSurrogate] = RECIPES,
) -> RankModel:
    """Fit on one table or several, of the same features and targets.

    Args:
        tables: one a task.
        rng: draws folds and trees.
        recipes: of the trees; a cross-validation chooses of several.

    Raises:
        ValueError: when there is no table, columns differ, a table has fewer rows than folds, or a value is not finite.
    """
    import pandas as pd

    if not tables:
        raise ValueError("there must be at least one table to fit a model on")
    first = tables[0]
    for table in tables:
        training_arrays(table.features, table.targets)
        if len(table.features) < FOLDS:
            raise ValueError(
                f"{table.name}: at least {FOLDS} rows are needed, one a fold, got {len(table.features)}"
            )
        for own, expected in ((table.features, first.features), (table.targets, first.targets)):
            different = set(own.columns) ^ set(expected.columns)
            if different:
                raise ValueError(
                    f"{table.name}: has other columns than {first.name}, such as {sorted(different)[0]!r}: its "
                    "networks are described in another way"
                )
    features = pd.concat([table.features[list(first.features)] for table in tables], ignore_index=True)
    scores = pd.concat(
        [_normal_scores(table.targets[list(first.targets)]) for table in tables], ignore_index=True
    )
    groups = np.repeat(np.arange(len(tables)), [len(table.features) for table in tables])
    folds = _folds(groups, _networks(tables), rng)
    recipe = recipes[0]
    if len(recipes) > 1:  # one member each is enough to tell which trees suit
        alone = [_out_of_fold(replace(one, members=1), features, scores, folds) for one in recipes]
        recipe = recipes[int(np.argmax([_mean_tau(scores, one.mean, groups) for one in alone]))]
    prediction = _out_of_fold(recipe, features, scores, folds)
    error = (scores - prediction.mean).to_numpy()
    spread = prediction.std.to_numpy()
    noise = np.sqrt(np.maximum(np.mean(np.square(error) - np.square(spread), axis=0), 1e-4))
    fitted = recipe.fit(features, scores, rng)
    x = features.to_numpy(dtype=np.float64)
    some = rng.permutation(len(x))[:BACKGROUND]
    held_out = {
        table.name: {
            name: kendall_or_zero(scores[name][groups == number], prediction.mean[name][groups == number])
            for name in scores.columns
        }
        for number, table in enumerate(tables)
    }
    quantiles = (
        {
            name: np.quantile(first.targets[name].to_numpy(np.float64), PROBABILITIES)
            for name in scores.columns
        }
        if len(tables) == 1
        else {}
    )
    return RankModel(
        fitted, noise, x.min(axis=0), x.max(axis=0), x[some].astype(np.float32), held_out, quantiles
    )


def _networks(tables: Sequence[TrainingTable]) -> npt.NDArray[np.intp]:
    """Return a number for each row of all tables, equal for rows of a network that stay together, `(rows,)`."""
    found, start = [], 0
    for table in tables:
        own = np.arange(len(table.features)) if table.networks is None else table.networks
        found.append(start + own)
        start += int(own.max(initial=-1)) + 1
    return np.concatenate(found)


def _normal_scores(targets: pd.DataFrame) -> pd.DataFrame:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    ranks = rankdata(targets.to_numpy(), axis=0)
    scored: pd.DataFrame = targets * 0 + ndtri((ranks - 0.5) / len(targets))
    return scored


def _folds(
    groups: npt.NDArray[np.intp], networks: npt.NDArray[np.intp], rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Return a fold for each row; each fold has its share of every table, and all rows of a network are in one."""
    fold = np.empty(len(groups), dtype=np.intp)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        known, own = np.unique(networks[rows], return_inverse=True)
        of_network = np.empty(len(known), dtype=np.intp)
        of_network[rng.permutation(len(known))] = np.arange(len(known)) % FOLDS
        fold[rows] = of_network[own]
    return fold


def _out_of_fold(
    recipe: XGBoostSurrogate,
    features: pd.DataFrame,
    scores: pd.DataFrame,
    folds: npt.NDArray[np.intp],
) -> Prediction:
    mean, std = scores * 0.0, scores * 0.0
    for fold in range(FOLDS):
        out = folds == fold
        fitted = recipe.fit(features[~out], scores[~out], np.random.default_rng(fold))
        found = fitted.predict(features[out])
        mean[out], std[out] = found.mean, found.std
    return Prediction(mean, std)


def _mean_tau(scores: pd.DataFrame, predicted: pd.DataFrame, groups: npt.NDArray[np.intp]) -> float:
    taus = [
        kendall_or_zero(scores[name][groups == group], predicted[name][groups == group])
        for name in scores.columns
        for group in np.unique(groups)
    ]
    return float(np.mean(taus))
