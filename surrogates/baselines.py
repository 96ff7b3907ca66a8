"""Regressors of scikit-learn as yardsticks: what a model that knows nothing of architectures makes of the features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

import numpy as np

from surrogates.surrogate import Prediction
from surrogates.training_table import feature_array, training_arrays

if TYPE_CHECKING:
    import pandas as pd


def _ridge(seed: int) -> Any:
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(300, max_features=0.4, min_samples_leaf=2, random_state=seed)


def _mlp(seed: int) -> Any:
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPRegressor(
        hidden_layer_sizes=(64, 64), alpha=1.0, solver="lbfgs", max_iter=300, random_state=seed
    )
    return make_pipeline(StandardScaler(), network)


BASELINES: Final[Mapping[str, Callable[[int], Any]]] = {
    "ridge": _ridge,
    "random-forest": _forest,
    "mlp": _mlp,
}
"""What makes each of them from a seed."""


@final
@dataclass(frozen=True)
class Baseline:
    """Fits one regressor for each target.

    Attributes:
        name: one of `BASELINES`.
    """

    name: str

    def fit(self, features: pd.DataFrame, targets: pd.DataFrame, rng: np.random.Generator) -> FittedBaseline:
        """Fit on `(n, features)` and `(n, targets)`.

        Raises:
            ValueError: when there are fewer than two rows, or a value is not finite.
        """
        import warnings

        x, y = training_arrays(features, targets)
        models = [BASELINES[self.name](int(rng.integers(2**31))) for _ in range(y.shape[1])]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an MLP that would go on
            for number, model in enumerate(models):
                model.fit(x, y[:, number])
        return FittedBaseline(list(features.columns), list(targets.columns), models)


@final
class FittedBaseline:
    """Fitted regressors, without uncertainty."""

    def __init__(self, features: list[str], targets: list[str], models: list[Any]) -> None:
        self._features, self._targets, self._models = features, targets, models

    def predict(self, features: pd.DataFrame) -> Prediction:
        """Predict every target for `(n, features)` candidates."""
        import pandas as pd

        x = feature_array(features, self._features)
        mean = np.stack([model.predict(x) for model in self._models], axis=1)
        frame = pd.DataFrame(mean, columns=self._targets, index=features.index)
        return Prediction(mean=frame, std=frame * 0.0)

    def save(self, folder: Path) -> NoReturn:
        """Raise an error: yardsticks are not kept."""
        raise ValueError("a baseline cannot be saved; choose a surrogate")
