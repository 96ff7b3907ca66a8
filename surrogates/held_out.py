"""How well a surrogate orders candidates that it has not seen: cross-validated Kendall τ.

Every candidate is predicted once, by a model fitted without it; τ is computed on these out-of-fold
predictions. With few candidates the folds are small (leave-few-out), so that a model of the test is almost
the model of the search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from surrogates.kendall import kendall_tau

if TYPE_CHECKING:
    import pandas as pd

    from surrogates.surrogate import Surrogate


@dataclass(frozen=True)
class HeldOut:
    """A cross-validated figure of a surrogate.

    Attributes:
        tau: Kendall τ-b of measured and predicted by target; NaN where it is undefined.
        undefined: why τ is undefined, by target; empty where every τ is a number.
        predictions: `(n, targets)` out-of-fold predictions, index and order of the targets.
        folds: the number of folds that were used.
    """

    tau: Mapping[str, float]
    predictions: pd.DataFrame
    folds: int
    undefined: Mapping[str, str] = field(default_factory=dict)


def held_out_tau(
    surrogate: Surrogate,
    features: pd.DataFrame,
    targets: pd.DataFrame,
    folds: int,
    rng: np.random.Generator,
) -> HeldOut:
    """Cross-validate `surrogate` on `(n, features)` and `(n, targets)`.

    Args:
        surrogate: the recipe, fitted once a fold.
        features: `(n, features)` of the evaluated candidates.
        targets: `(n, targets)` measured, finite.
        folds: how many folds; `n` at most, which leaves one candidate out at a time.
        rng: shuffles the candidates into folds and seeds the fits.

    Raises:
        ValueError: when `folds < 2` or there are fewer than three candidates.
    """
    import pandas as pd

    n = len(features)
    if folds < 2:
        raise ValueError(f"`folds >= 2` must hold, got {folds}")
    if n < 3:
        raise ValueError(f"a held-out τ needs at least 3 evaluated candidates, got {n}")
    folds = min(folds, n)
    predicted = np.empty(targets.shape, dtype=np.float64)
    for held_out in np.array_split(rng.permutation(n), folds):
        kept = np.setdiff1d(np.arange(n), held_out)
        fitted = surrogate.fit(features.iloc[kept], targets.iloc[kept], rng)
        mean = fitted.predict(features.iloc[held_out]).mean
        predicted[held_out] = mean[list(targets.columns)].to_numpy(dtype=np.float64)
    predictions = pd.DataFrame(predicted, columns=targets.columns, index=targets.index)

    tau: dict[str, float] = {}
    undefined: dict[str, str] = {}
    for name in targets.columns:
        tau[name] = kendall_tau(targets[name].to_numpy(), predictions[name].to_numpy())
        if math.isnan(tau[name]):
            constant = "measured" if targets[name].nunique() == 1 else "predicted"
            undefined[name] = f"every {constant} value of {name} is the same, so there is no order to predict"
    return HeldOut(tau=tau, predictions=predictions, folds=folds, undefined=undefined)
