"""The conformance suite of surrogates: what every surrogate, a user's own one included, must do.

`check_surrogate` fits a surrogate on a small made-up table and compares what comes back with the contract in
`surrogates.surrogate`. The first breach ends the check with an error that names the method, the rule and what
was found.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import numpy as np

from surrogates.kendall import kendall_tau
from surrogates.surrogate import FittedSurrogate, Prediction, Surrogate

if TYPE_CHECKING:
    import pandas as pd

ROWS: Final = 40
TARGETS: Final = ("accuracy_1d", "std_1d", "avm")
LEAST_TAU: Final = 0.3
"""Kendall τ on the trials of the fit, of a target that a single feature orders: chance is beyond it once in 300."""

P = ParamSpec("P")
T = TypeVar("T")


class BrokenSurrogateError(ValueError):
    """A surrogate breaks its contract; the message names the method, the rule and what was found."""


def check_surrogate(surrogate: Surrogate, load: Callable[[Path], FittedSurrogate] | None = None) -> None:
    """Check that a surrogate keeps the contract of `surrogates.Surrogate` and what it fits that of a fitted one.

    Args:
        surrogate: the recipe.
        load: reads what `save` wrote; with it, a saved surrogate must predict what it did before.

    Raises:
        BrokenSurrogateError: at the first breach.
    """
    features, targets = _table()
    before = features.copy(), targets.copy()
    fitted = _fit(surrogate, features, targets)
    unchanged = features.equals(before[0]) and targets.equals(before[1])
    _require(unchanged, "fit", "must leave its tables alone", "changed ones")
    prediction = _predict(fitted, features)
    _require(features.equals(before[0]), "predict", "must leave its table alone", "a changed one")
    again = _predict(_fit(surrogate, features, targets), features)
    rule = "must return equal models for equal tables and generators"
    _require(_equal(prediction, again), "fit", rule, "different predictions")
    _check_rows(fitted, features, prediction)
    tau = kendall_tau(targets["accuracy_1d"], prediction.mean["accuracy_1d"])
    rule = f"must order the trials of the fit, Kendall τ >= {LEAST_TAU}"
    _require(tau >= LEAST_TAU, "predict", rule, f"{tau:.2f}")
    _predict(_fit(surrogate, features[:2], targets[:2]), features)
    _predict(_fit(surrogate, features, targets.assign(avm=0.01)), features)
    _check_refusals(surrogate, fitted, features, targets)
    _check_files(fitted, features, prediction, load)


def prediction_problem(prediction: Prediction, rows: int, targets: Sequence[str]) -> str:
    """Return what is wrong with a prediction of the targets for some rows, an empty text where nothing is."""
    for part in ("mean", "std"):
        table = getattr(prediction, part, None)
        columns = list(getattr(table, "columns", ()))
        if getattr(table, "shape", ())[:1] != (rows,) or not set(targets) <= set(columns):
            return f"must return {rows} rows of {', '.join(targets)} as `{part}`, got {table!r:.200}"
        assert table is not None
        values = table[list(targets)].to_numpy(dtype=np.float64)
        if not np.isfinite(values).all():
            return f"must return finite values as `{part}`, got {values[~np.isfinite(values)][0]}"
        if part == "std" and (values < 0).any():
            return f"must return 0 or more as `std`, got {values.min():g}"
    return ""


def _table() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return features as spaces have them, a constant and a switch among them, and what was measured of them."""
    import pandas as pd

    rng = np.random.default_rng(0)
    columns = {name: rng.random(ROWS) for name in ("depth", "width", "log_macs")}
    features = pd.DataFrame(columns).assign(skip=rng.integers(0, 2, ROWS), constant=1).astype(np.float32)
    features.index += 100
    noise = 0.01 * rng.standard_normal(ROWS)
    targets = pd.DataFrame(
        {
            "accuracy_1d": 0.5 + 0.4 * features["width"].astype(float) + noise,
            "std_1d": 0.01 * rng.random(ROWS),
            "avm": 0.02 * features["depth"].astype(float),
        }
    )
    return features, targets


def _fit(surrogate: Surrogate, features: pd.DataFrame, targets: pd.DataFrame) -> FittedSurrogate:
    fitted = _call("fit", surrogate.fit, features, targets, np.random.default_rng(1))
    for name in ("predict", "save"):
        fits = callable(getattr(fitted, name, None))
        _require(fits, "fit", f"must return an object with the method `{name}`", repr(fitted)[:200])
    return fitted


def _predict(fitted: FittedSurrogate, features: pd.DataFrame) -> Prediction:
    prediction = _call("predict", fitted.predict, features)
    problem = prediction_problem(prediction, len(features), TARGETS)
    if problem:
        raise BrokenSurrogateError(f"`predict` {problem}")
    kept = all(table.index.equals(features.index) for table in (prediction.mean, prediction.std))
    _require(kept, "predict", "must keep the index of the features", list(prediction.mean.index)[:3])
    return prediction


def _check_rows(fitted: FittedSurrogate, features: pd.DataFrame, prediction: Prediction) -> None:
    """Check that a candidate is predicted alike in any company, and columns are found by their names."""
    for order, rule in (
        (features.iloc[::-1], "must predict a row alike wherever it stands"),
        (features.iloc[3:4], "must predict a row alone as in company"),
        (features[list(features.columns[::-1])], "must find features by their names"),
    ):
        found = _predict(fitted, order)
        expected = Prediction(prediction.mean.loc[order.index], prediction.std.loc[order.index])
        _require(_equal(found, expected, within=1e-6), "predict", rule, "other values")


def _check_refusals(
    surrogate: Surrogate, fitted: FittedSurrogate, features: pd.DataFrame, targets: pd.DataFrame
) -> None:
    rng = np.random.default_rng(1)
    for method, what, attempt in (
        ("fit", "a single row", lambda: surrogate.fit(features[:1], targets[:1], rng)),
        ("fit", "NaN among the targets", lambda: surrogate.fit(features, targets.assign(avm=np.nan), rng)),
        ("predict", "a missing feature", lambda: fitted.predict(features.drop(columns="width"))),
    ):
        try:
            attempt()
        except ValueError:
            continue
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            raise BrokenSurrogateError(f"`{method}` must raise ValueError for {what}, got {found}") from error
        raise BrokenSurrogateError(f"`{method}` must raise ValueError for {what}, got no error")


def _check_files(
    fitted: FittedSurrogate,
    features: pd.DataFrame,
    prediction: Prediction,
    load: Callable[[Path], FittedSurrogate] | None,
) -> None:
    with TemporaryDirectory() as outside:
        folder = Path(outside) / "surrogate"
        _call("save", fitted.save, folder)
        files = [path for path in folder.rglob("*") if path.is_file()]
        _require(bool(files), "save", "must create the folder and write files into it", "none")
        beside = sorted(path.name for path in Path(outside).iterdir() if path != folder)
        _require(not beside, "save", "must write nothing beside its folder", beside)
        pickled = [path.name for path in files if _is_pickle(path)]
        _require(not pickled, "save", "must write open formats, never pickle", pickled)
        if load is not None:
            loaded = _predict(_call("load", load, folder), features)
            rule = "must return a surrogate that predicts what it did before"
            _require(_equal(loaded, prediction), "load", rule, "other values")


def _is_pickle(path: Path) -> bool:
    """Say whether a file is a pickle, or an archive with one, such as torch writes."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(_starts_as_pickle(archive.open(name).read(2)) for name in archive.namelist())
    with path.open("rb") as file:
        return _starts_as_pickle(file.read(2))


def _starts_as_pickle(start: bytes) -> bool:
    return start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _equal(first: Prediction, second: Prediction, within: float = 0.0) -> bool:
    columns = list(second.mean.columns)
    return all(
        np.allclose(one[columns].to_numpy(), other[columns].to_numpy(), rtol=within, atol=within)
        for one, other in ((first.mean, second.mean), (first.std, second.std))
    )


def _call(name: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise BrokenSurrogateError(f"`{name}` must not fail, got {type(error).__name__}: {error}") from error


def _require(holds: bool, name: str, rule: str, found: object) -> None:
    if not holds:
        raise BrokenSurrogateError(f"`{name}` {rule}, got {found}")
