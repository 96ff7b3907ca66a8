"""Surrogates of other packages: what they do wrong in a search is told with the method."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analognas.errors import UserError
from analognas.specs.entry_points import Guard
from analognas.strategies.foreign_surrogate import ForeignSurrogate
from surrogates import GaussianProcessSurrogate, Prediction


@dataclass
class Fitted:
    answer: Any

    def predict(self, features: pd.DataFrame) -> Any:
        return self.answer(features)

    def save(self, folder: Path) -> None:
        raise RuntimeError("no format")


@dataclass
class Answering:
    """A surrogate whose predictions are those of a function."""

    answer: Any

    def fit(self, features: Any, targets: Any, rng: Any) -> Any:
        return self.answer if self.answer is None else Fitted(self.answer)


def table(n: int, value: float = 0.5, name: str = "accuracy_1d") -> pd.DataFrame:
    return pd.DataFrame({name: np.full(n, value)})


FEATURES = pd.DataFrame({"width": [1.0, 2.0, 3.0]})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "`fit` of the surrogate 'mine' must return an object with `predict`, got None"),
        (lambda features: 1 / 0, "`predict` of the surrogate 'mine' failed: ZeroDivisionError"),
        (lambda features: 0.5, "must return 3 rows of accuracy_1d as `mean`, got None"),
        (lambda features: Prediction(table(2), table(2)), "must return 3 rows of accuracy_1d as `mean`"),
        (lambda features: Prediction(table(3, name="avm"), table(3)), "3 rows of accuracy_1d as `mean`"),
        (lambda features: Prediction(table(3), table(3, np.inf)), "must return finite values as `std`"),
        (lambda features: Prediction(table(3), table(3, -1.0)), "must return 0 or more as `std`, got -1"),
    ],
)
def test_a_breach_names_the_method(answer: Any, message: str) -> None:
    surrogate = ForeignSurrogate(Guard("surrogate", "mine"), Answering(answer))
    with pytest.raises(UserError, match=message):
        surrogate.fit(FEATURES, table(3), np.random.default_rng(0)).predict(FEATURES)


def test_a_surrogate_that_cannot_be_saved_is_named() -> None:
    fitted = ForeignSurrogate(Guard("surrogate", "mine"), Answering(table)).fit(
        FEATURES, table(3), np.random.default_rng(0)
    )
    with pytest.raises(UserError, match="`save` of the surrogate 'mine' failed: RuntimeError: no format"):
        fitted.save(Path())


def test_a_guarded_surrogate_answers_like_the_surrogate() -> None:
    own = GaussianProcessSurrogate()
    features = pd.DataFrame(np.random.default_rng(0).random((9, 2)), columns=["a", "b"])
    targets = pd.DataFrame({"accuracy_1d": features["a"]})
    rng = np.random.default_rng(0)
    guarded = ForeignSurrogate(Guard("surrogate", "mine"), own).fit(features, targets, rng).predict(features)
    pd.testing.assert_frame_equal(own.fit(features, targets, rng).predict(features).mean, guarded.mean)
    with pytest.raises(UserError, match="`fit` of the surrogate 'mine' failed: ValueError"):
        ForeignSurrogate(Guard("surrogate", "mine"), own).fit(features[:1], targets[:1], rng)
