"""Fits a model of ranks on measured networks of one task or several, and chooses its trees by a cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from surrogates.kendall import kendall_or_zero
from surrogates.rank_model import PROBABILITIES, RankModel
from surrogates.rank_recipes import RECIPES
from surrogates.surrogate import Prediction
from surrogates.training_table import training_arrays
from surrogates.xgboost_ensemble import XGBoostSurrogate

if TYPE_CHECKING:
    import pandas as pd

FOLDS: Final = 5

BACKGROUND: Final = 200
"""Networks that are kept with a model, for partial dependence."""


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
