"""The suite of surrogates accepts what is built in, and names what is wrong with broken ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from analognas.testing import (
    BrokenSurrogateError,
    check_surrogate,
)
from surrogates import GaussianProcessSurrogate, Prediction, load_surrogate
from surrogates.specs import SURROGATES


@pytest.mark.parametrize("kind", SURROGATES)
def test_built_in_surrogates_keep_their_contract(kind: str) -> None:
    check_surrogate(SURROGATES[kind]().build(), load_surrogate)


class Fitted:
    """A Gaussian process with a mistake in one method."""

    def __init__(self, fitted: Any, mistake: str, features: Any) -> None:
        self.fitted, self.mistake, self.columns = fitted, mistake, list(features.columns)

    def predict(self, features: Any) -> Any:
        if self.mistake == "tolerant":
            features = features.reindex(columns=self.columns, fill_value=0.0)
        if self.mistake == "by place":
            features = features.set_axis(self.columns, axis=1)
        found = self.fitted.predict(features)
        mean, std = found.mean, found.std
        return {
            "a table": mean,
            "fewer": Prediction(mean[:-1], std),
            "another target": Prediction(mean.rename(columns={"avm": "drift"}), std),
            "no index": Prediction(mean.reset_index(drop=True), std.reset_index(drop=True)),
            "not a number": Prediction(mean * np.nan, std),
            "negative": Prediction(mean, std - 1.0),
            "no order": Prediction(-mean, std),
            "in company": Prediction(mean + len(mean), std),
        }.get(self.mistake, found)

    def save(self, folder: Path) -> None:
        if self.mistake == "nothing":
            folder.mkdir()
            return
        self.fitted.save(folder)
        if self.mistake == "beside":
            (folder.parent / "other.json").write_text("{}")
        if self.mistake == "pickle":
            torch.save({}, folder / "model.bin")


@dataclass
class Wrong:
    """A surrogate with a mistake."""

    mistake: str

    def fit(self, features: Any, targets: Any, rng: np.random.Generator) -> Any:
        if self.mistake == "mends":
            targets = targets.fillna(0.0)
        if self.mistake == "crashes":
            raise KeyError("depth")
        if self.mistake == "no methods":
            return object()
        fitted = GaussianProcessSurrogate().fit(features, targets, rng)
        if self.mistake == "changes":
            features["depth"] = 0.0
        if self.mistake == "moody":
            shift = np.random.default_rng().random()
            fitted = GaussianProcessSurrogate().fit(features, targets + shift, rng)
        return Fitted(fitted, self.mistake, features)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("crashes", "`fit` must not fail, got KeyError"),
        ("no methods", "`fit` must return an object with the method `predict`"),
        ("changes", "`fit` must leave its tables alone"),
        ("moody", "`fit` must return equal models for equal tables and generators"),
        ("mends", "`fit` must raise ValueError for NaN among the targets, got no error"),
        ("a table", "`predict` must return 40 rows of accuracy_1d, std_1d, avm as `mean`"),
        ("fewer", "`predict` must return 40 rows"),
        ("another target", "`predict` must return 40 rows of accuracy_1d, std_1d, avm"),
        ("no index", "`predict` must keep the index of the features"),
        ("not a number", "`predict` must return finite values as `mean`, got nan"),
        ("negative", "`predict` must return 0 or more as `std`"),
        ("no order", "`predict` must order the trials of the fit"),
        ("in company", "`predict` must predict a row alone as in company"),
        ("by place", "`predict` must find features by their names"),
        ("tolerant", "`predict` must raise ValueError for a missing feature, got no error"),
        ("nothing", "`save` must create the folder and write files into it"),
        ("beside", r"`save` must write nothing beside its folder, got \['other.json'\]"),
        ("pickle", r"`save` must write open formats, never pickle, got \['model.bin'\]"),
    ],
)
def test_a_broken_surrogate_is_found(mistake: str, message: str) -> None:
    with pytest.raises(BrokenSurrogateError, match=message):
        check_surrogate(Wrong(mistake))


def test_a_surrogate_that_forgets_what_it_was_saved_with_is_found() -> None:
    with pytest.raises(
        BrokenSurrogateError, match="`load` must return a surrogate that predicts what it did"
    ):
        check_surrogate(GaussianProcessSurrogate(), lambda folder: Shifted(load_surrogate(folder)))


@dataclass
class Shifted:
    """Predicts a little more than what it has."""

    fitted: Any

    def predict(self, features: Any) -> Prediction:
        found = self.fitted.predict(features)
        return Prediction(found.mean + 0.1, found.std)
