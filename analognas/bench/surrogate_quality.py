"""How well surrogates predict the rows of a table that they have not seen: a learning curve over random splits.

Every surrogate is fitted on the same rows of each split and judged on all others. It is fitted on normal scores of the
ranks, as a search does (`scale="ranks"`), or on the values. Its interval for a measurement holds what it is unsure of
and the noise of measurements, which is what is left of its out-of-fold errors within the rows of the fit.

Two trainings of the same candidates do not agree either: where a table has several, the agreement of one with the mean
of the others is the noise ceiling. What a surrogate reaches of it is measured on the same candidates: how well it
orders one training of those that it has not seen, over how well another training does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from analognas.bench.benchmark import mean_and_half_width
from analognas.bench.error import BenchError
from analognas.bench.table import BenchTable
from analognas.specs.problems import nearest
from analognas.strategies.normal_scores import NormalScores
from surrogates import Surrogate, kendall_tau
from surrogates.baselines import BASELINES, Baseline
from surrogates.quality import Quality, quality, tau_at_equal_size
from surrogates.specs import SURROGATES

Scale: TypeAlias = Literal["ranks", "raw"]
Features: TypeAlias = Literal["genotype", "architecture", "all"]

FOLDS: Final = 5
"""Of the rows of a fit, for the noise of measurements."""

NAMES: Final = tuple(field.name for field in fields(Quality))

CEILING: Final = ("one_training", "of_another", "one_training_at_equal_size", "of_another_at_equal_size")
"""τ of predictions with one training and of another training with it, on the same unseen candidates."""

ENOUGH_REPEATED: Final = 20
"""A ceiling is of as many trainings as this many candidates have, and of two where fewer have more."""

FEWEST_TRAINED_TWICE: Final = 5
"""With fewer unseen candidates that have several trainings, the share of the ceiling is not reported."""


@dataclass(frozen=True)
class SurrogateQuality:
    """What an evaluation measured.

    Attributes:
        table: name of the table.
        target: its column.
        n_rows: usable rows.
        splits: random splits.
        scale: of the fits.
        ceiling: τ of one training and the mean of the others, overall and at equal size; None with one training.
        figures: `(splits,)` values by surrogate, rows of the fit, and figure of `surrogates.quality` or of `CEILING`,
            which are NaN where too few candidates have several trainings.
        features: that were fitted on.
    """

    table: str
    target: str
    n_rows: int
    splits: int
    scale: Scale
    ceiling: tuple[float, float] | None
    figures: Mapping[tuple[str, int], Mapping[str, npt.NDArray[np.float64]]]
    features: Features = "genotype"

    def to_json(self) -> dict[str, Any]:
        """Return means and 95 % half widths, JSON-able; null where a figure is not defined."""
        return {
            "table": self.table,
            "target": self.target,
            "rows": self.n_rows,
            "splits": self.splits,
            "scale": self.scale,
            "features": self.features,
            "noise_ceiling": None
            if self.ceiling is None
            else dict(zip(("tau", "tau_at_equal_size"), map(_or_null, self.ceiling), strict=True)),
            "surrogates": [
                {
                    "surrogate": kind,
                    "train": n,
                    **{name: _interval(values[name]) for name in (*NAMES, *CEILING)},
                    "share_of_ceiling": dict(
                        zip(("tau", "tau_at_equal_size"), map(_or_null, _shares(values)), strict=True)
                    ),
                }
                for (kind, n), values in self.figures.items()
            ],
        }

    def to_text(self) -> str:
        """Return a line a surrogate and number of rows."""
        head = [
            "surrogate",
            "train",
            "tau",
            "equal size",
            "Spearman",
            "NDCG@10",
            "top 10",
            "R2",
            "90 % covers",
        ]
        lines = [
            f"{self.table}: {self.target}, {self.n_rows} rows, {self.splits} splits, fitted on {self.scale} of "
            f"{'all features' if self.features == 'all' else f'the {self.features}'}",
        ]
        if self.ceiling is not None:
            overall, equal = self.ceiling
            lines.append(
                f"noise ceiling: one training orders the mean of the others with tau {overall:.3f}, at equal size "
                f"{equal:.3f}"
            )
        several = any(np.isfinite(values[CEILING[0]]).all() for values in self.figures.values())
        rows = [[*head, "of ceiling", "at equal size"] if several else head]
        for (kind, n), values in self.figures.items():
            taus = [_with_half_width(values[name]) for name in NAMES[:2]]
            others = [float(np.mean(values[name])) for name in NAMES[2:]]
            shares = _shares(values) if several else ()
            rows.append([kind, str(n), *taus, *map(_shown, others), *map(_shown, shares)])
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        if several:
            lines.append(
                "of ceiling: tau with one training, over that of another training, on unseen candidates"
            )
        return "\n".join(lines)


def evaluate_surrogates(
    table: BenchTable,
    surrogates: Sequence[str] | Mapping[str, Surrogate] = (),
    *,
    train: Sequence[int] = (50, 100, 200),
    splits: int = 5,
    scale: Scale = "ranks",
    features: Features = "genotype",
    progress: Callable[[int, int], None] | None = None,
) -> SurrogateQuality:
    """Fit surrogates on rows of a table and judge them on all others.

    Args:
        table: what was measured.
        surrogates: kinds (`analognas describe surrogates`) and baselines (`ridge`, `random-forest`, `mlp`), all of them
            for none; or recipes by name.
        train: rows of a fit, 5 or more.
        splits: random splits, 2 or more.
        scale: what is fitted: normal scores of the ranks, or the values.
        features: fitted on: those of the space, as in a search; those of `surrogates.architecture_features`, which mean
            the same in every space; or both.
        progress: called with the fits done and all fits.

    Raises:
        BenchError: for a surrogate that is not known, or rows or features that the table does not have.
    """
    if np.ptp(table.values) == 0:
        raise BenchError(
            f"{table.name}: `{table.target}` is {table.values[0]:g} in every row, which orders no candidates; choose "
            "another column"
        )
    recipes = dict(surrogates) if isinstance(surrogates, Mapping) else _recipes(surrogates)
    if splits < 2:
        raise BenchError(f"`splits >= 2` must hold, or there is no interval to report, got {splits}")
    if len(table) < FOLDS + 2:
        raise BenchError(f"{table.name}: must have at least {FOLDS + 2} usable rows, got {len(table)}")
    for n in train:
        if not FOLDS <= n <= len(table) - 2:
            raise BenchError(
                f"`train` must be {FOLDS} to {len(table) - 2} rows, since two of the {len(table)} of {table.name} are "
                f"for the judgement, got {n}"
            )
    encoded = _features(table, features)
    parameters = table.space.parameters(table.population)
    figures: dict[tuple[str, int], Mapping[str, npt.NDArray[np.float64]]] = {}
    jobs = [(kind, n) for kind in recipes for n in dict.fromkeys(train)]
    for number, (kind, n) in enumerate(jobs):
        found = []
        for split in range(splits):
            rows = np.random.default_rng(split).permutation(len(table))
            found.append(_judged(recipes[kind], encoded, table, parameters, rows[:n], rows[n:], scale, split))
            if progress is not None:
                progress(number * splits + split + 1, len(jobs) * splits)
        figures[kind, n] = {name: np.array([one[name] for one in found]) for name in (*NAMES, *CEILING)}
    return SurrogateQuality(
        table.name, table.target, len(table), splits, scale, noise_ceiling(table), figures, features
    )


def _features(table: BenchTable, features: Features) -> pd.DataFrame:
    own = table.space.encode(table.population)
    if features == "genotype":
        return own
    if table.described is None:
        raise BenchError(
            f"{table.name}: features of the architecture are known of records (`analognas pack`) alone; leave "
            "`features` at `genotype`"
        )
    if features == "architecture":
        return table.described
    described = table.described.add_prefix("architecture_")
    return pd.concat([own.reset_index(drop=True), described], axis=1)


def noise_ceiling(table: BenchTable) -> tuple[float, float] | None:
    """Return τ of one training with the mean of the others, and the same at equal size; None without several.

    Over the candidates with as many trainings as at least `ENOUGH_REPEATED` of them have.
    """
    whole, runs = _repeated(table, np.arange(len(table)))
    if len(whole) < 2:
        return None
    parameters = table.space.parameters(table.population[whole])
    taus = []
    for one in range(runs.shape[1]):
        others = np.delete(runs, one, axis=1).mean(axis=1)
        taus.append((kendall_tau(others, runs[:, one]), tau_at_equal_size(others, runs[:, one], parameters)))
    overall, equal = np.mean(taus, axis=0)
    return float(overall), float(equal)


def _repeated(
    table: BenchTable, rows: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return which of the rows have several trainings, and `(m, trainings)` of these."""
    if table.runs is None or table.trainings < 2:
        return np.empty(0, dtype=np.intp), np.empty((0, 2))
    with_more = np.isfinite(table.runs).sum(axis=0)[1:]
    trainings = 2 + max(np.flatnonzero(with_more >= ENOUGH_REPEATED), default=0)
    runs = table.runs[rows, :trainings]
    whole = np.isfinite(runs).all(axis=1)
    return rows[whole], runs[whole]


def _recipes(names: Sequence[str]) -> dict[str, Surrogate]:
    known = [*SURROGATES, *BASELINES]
    found: dict[str, Surrogate] = {}
    for name in names or known:
        if name in BASELINES:
            found[name] = Baseline(name)
        elif name in SURROGATES:
            found[name] = SURROGATES[name].model_validate({}).build()
        else:
            raise BenchError(f"there is no surrogate {name!r:.60}{nearest(name, known)}")
    return found


def _judged(
    recipe: Surrogate,
    features: pd.DataFrame,
    table: BenchTable,
    parameters: npt.NDArray[np.int64],
    known: npt.NDArray[np.intp],
    unseen: npt.NDArray[np.intp],
    scale: Scale,
    seed: int,
) -> dict[str, float]:
    values = table.values
    scores = NormalScores.fit(values[known]) if scale == "ranks" else None
    own = values[known] if scores is None else scores.forward(values[known])
    mean, std = _predicted(recipe, features.iloc[known], own, features.iloc[unseen], seed)
    measured = values[unseen] if scores is None else scores.forward(values[unseen])
    noise = _noise(recipe, features.iloc[known], own, seed) if (std > 0).any() else 0.0
    spread = np.sqrt(np.square(std) + noise)
    found = quality(measured, mean, std=spread if (std > 0).any() else None, parameters=parameters[unseen])
    figures = {**asdict(found), **_against_another_training(table, mean, parameters, unseen)}
    if scores is None:
        return figures
    return {**figures, "r2": quality(values[unseen], scores.inverse(mean)).r2}


def _against_another_training(
    table: BenchTable,
    mean: npt.NDArray[np.float64],
    parameters: npt.NDArray[np.int64],
    unseen: npt.NDArray[np.intp],
) -> dict[str, float]:
    """Return the figures of `CEILING` for `(m,)` predictions of the rows `unseen`."""
    whole, runs = _repeated(table, unseen)
    if len(whole) < FEWEST_TRAINED_TWICE:
        return dict.fromkeys(CEILING, math.nan)
    mean, sizes = mean[np.isin(unseen, whole)], parameters[whole]
    trainings = range(runs.shape[1])
    predicted = [_two_taus(runs[:, one], mean, sizes) for one in trainings]
    others = [_two_taus(runs[:, one], runs[:, other], sizes) for one in trainings for other in range(one)]
    (tau, equal), (ceiling, ceiling_equal) = np.mean(predicted, axis=0), np.mean(others, axis=0)
    return dict(zip(CEILING, map(float, (tau, ceiling, equal, ceiling_equal)), strict=True))


def _two_taus(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64]
) -> tuple[float, float]:
    return kendall_tau(first, second), tau_at_equal_size(first, second, sizes)


def _shares(values: Mapping[str, npt.NDArray[np.float64]]) -> tuple[float, float]:
    """Return which share of the noise ceiling is reached, overall and at equal size; NaN where it is not above 0."""

    def share(reached: str, ceiling: str) -> float:
        best = float(np.mean(values[ceiling]))
        return float(np.mean(values[reached])) / best if best > 0 else math.nan

    return share(*CEILING[:2]), share(*CEILING[2:])


def _with_half_width(values: npt.NDArray[np.float64]) -> str:
    if not np.isfinite(values).all():
        return "-"
    mean, half = mean_and_half_width(values)
    return f"{mean:.3f} ± {half:.3f}"


def _predicted(
    recipe: Surrogate, features: pd.DataFrame, own: npt.NDArray[np.float64], others: pd.DataFrame, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    targets = pd.DataFrame({"accuracy_1d": own}, index=features.index)
    prediction = recipe.fit(features, targets, np.random.default_rng(seed)).predict(others)
    mean, std = (
        frame["accuracy_1d"].to_numpy(dtype=np.float64) for frame in (prediction.mean, prediction.std)
    )
    return mean, std


def _noise(recipe: Surrogate, features: pd.DataFrame, own: npt.NDArray[np.float64], seed: int) -> float:
    """Return the variance of measurements that is left of out-of-fold errors when the surrogate's own is taken off."""
    left = 0.0
    for fold in np.array_split(np.random.default_rng(seed).permutation(len(own)), FOLDS):
        rest = np.setdiff1d(np.arange(len(own)), fold)
        mean, std = _predicted(recipe, features.iloc[rest], own[rest], features.iloc[fold], seed)
        left += float((np.square(own[fold] - mean) - np.square(std)).sum())
    return max(0.0, left / len(own))


def _interval(values: npt.NDArray[np.float64]) -> dict[str, float] | None:
    if not np.isfinite(values).all():
        return None
    mean, half = mean_and_half_width(values)
    return {"mean": mean, "half_width_95": half}


def _or_null(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _shown(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"
