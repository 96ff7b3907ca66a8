"""The surrogate at the end of a run: how well it predicts trials it has not seen, and one fitted on all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from analognas.driver.history import history_of
from analognas.export.checksums import write_checksums
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory
from analognas.record.earlier_trial import EarlierTrial
from analognas.record.trial import Trial
from analognas.record.whole_folder import write_folder
from analognas.seeds import numpy_generator
from search_spaces import ArchitectureSpace
from surrogates import Surrogate, held_out_tau

TARGETS: Final = ("accuracy_1d", "std_1d", "avm")
"""What a surrogate is judged on, besides bits per character where trials have them."""

FOLDS: Final = 10
FEWEST_FOR_TAU: Final = 8


@dataclass(frozen=True)
class SurrogateRecipe:
    """The surrogate that a strategy searches on.

    Attributes:
        kind: its name in a configuration.
        unfitted: fitted again for every use.
        seed: of the run.
    """

    kind: str
    unfitted: Surrogate
    seed: int


def judge_surrogate(
    recipe: SurrogateRecipe | None,
    space: ArchitectureSpace,
    trials: Sequence[Trial],
    run: RunDirectory,
    observer: Observer,
    earlier: Sequence[EarlierTrial] = (),
) -> dict[str, Any]:
    """Cross-validate the surrogate of the strategy on all completed trials and save the one fitted on all of them.

    Trials of other runs, `earlier`, are in the fit that is saved, and not in the cross-validation.

    Returns:
        The content of `FinalResult.surrogate`; empty without a surrogate or with too few trials.
    """
    table = _table(space, trials)
    if recipe is None or table is None:
        fit_surrogate(recipe, space, trials, run, earlier)
        return {}
    observer.stage("measuring the surrogate on held-out trials")
    features, targets = table
    held_out = held_out_tau(
        recipe.unfitted, features, targets, FOLDS, numpy_generator(recipe.seed, "held-out")
    )
    fit_surrogate(recipe, space, trials, run, earlier)
    return {
        "kind": recipe.kind,
        "tau": {name: None if math.isnan(tau) else tau for name, tau in held_out.tau.items()},
        "undefined": dict(held_out.undefined),
        "trials": len(features),
        "folds": held_out.folds,
        "measured": {name: targets[name].tolist() for name in targets},
        "predicted": {name: held_out.predictions[name].tolist() for name in targets},
    }


def fit_surrogate(
    recipe: SurrogateRecipe | None,
    space: ArchitectureSpace,
    trials: Sequence[Trial],
    run: RunDirectory,
    earlier: Sequence[EarlierTrial] = (),
) -> None:
    """Fit the surrogate of the strategy on all completed trials and save it; nothing without one or with too few.

    Trials of other runs, `earlier`, come first, as the strategy knows them.
    """
    table = _table(space, trials, earlier)
    if recipe is None or table is None:
        return
    fitted = recipe.unfitted.fit(*table, numpy_generator(recipe.seed, "surrogate"))

    def save_with_checksums(folder: Path) -> None:
        fitted.save(folder)
        write_checksums(folder)

    write_folder(run.surrogate, save_with_checksums)


def _table(
    space: ArchitectureSpace, trials: Sequence[Trial], earlier: Sequence[EarlierTrial] = ()
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return features and targets of the completed trials; None for too few."""
    completed: list[Trial | EarlierTrial] = [trial for trial in earlier if trial.metrics]
    completed += [trial for trial in trials if trial.status == "completed" and trial.rung == 0]
    if len(completed) < FEWEST_FOR_TAU:
        return None
    history = history_of(completed, (), len(completed[0].genotype))
    bits = [name for name in ("bits_1d",) if all(name in trial.metrics for trial in completed)]
    return space.encode(history.population), history.metrics[[*bits, *TARGETS]]
