"""The surrogate at the end of a run: how well it predicts trials it has not seen, and one fitted on all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from analognas.compose import Composition
from analognas.config.sections import SearchConfig
from analognas.driver.history import history_of
from analognas.export.checksums import write_checksums
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory
from analognas.record.trial import Trial
from analognas.record.whole_folder import write_folder
from analognas.seeds import numpy_generator
from search_spaces import ArchitectureSpace
from surrogates import held_out_tau
from surrogates.base_spec import SurrogateSpec

TARGETS: Final = ("accuracy_1d", "std_1d", "avm")
FOLDS: Final = 10
FEWEST_FOR_TAU: Final = 8


def judge_surrogate(
    config: SearchConfig,
    composition: Composition,
    trials: Sequence[Trial],
    run: RunDirectory,
    observer: Observer,
) -> dict[str, Any]:
    """Cross-validate the surrogate of the strategy on all completed trials and save the one fitted on all of them.

    Returns:
        The content of `FinalResult.surrogate`; empty without a surrogate or with too few trials.
    """
    data = _surrogate_data(config, composition.problem.space, trials)
    if data is None:
        return {}
    observer.stage("measuring the surrogate on held-out trials")
    spec, features, targets = data
    held_out = held_out_tau(spec.build(), features, targets, FOLDS, numpy_generator(config.seed, "held-out"))
    fit_surrogate(config, composition.problem.space, trials, run)
    return {
        "kind": spec.kind,
        "tau": {name: None if math.isnan(tau) else tau for name, tau in held_out.tau.items()},
        "undefined": dict(held_out.undefined),
        "trials": len(features),
        "folds": held_out.folds,
        "measured": {name: targets[name].tolist() for name in TARGETS},
        "predicted": {name: held_out.predictions[name].tolist() for name in TARGETS},
    }


def fit_surrogate(
    config: SearchConfig, space: ArchitectureSpace, trials: Sequence[Trial], run: RunDirectory
) -> None:
    """Fit the surrogate of the strategy on all completed trials and save it; nothing without one or with too few."""
    data = _surrogate_data(config, space, trials)
    if data is None:
        return
    spec, features, targets = data
    fitted = spec.build().fit(features, targets, numpy_generator(config.seed, "surrogate"))

    def save_with_checksums(folder: Path) -> None:
        fitted.save(folder)
        write_checksums(folder)

    write_folder(run.surrogate, save_with_checksums)


def _surrogate_data(
    config: SearchConfig, space: ArchitectureSpace, trials: Sequence[Trial]
) -> tuple[SurrogateSpec, pd.DataFrame, pd.DataFrame] | None:
    spec = config.search.strategy.surrogate_spec
    completed = [trial for trial in trials if trial.status == "completed" and trial.rung == 0]
    if spec is None or len(completed) < FEWEST_FOR_TAU:
        return None
    history = history_of(completed, (), len(completed[0].genotype))
    return spec, space.encode(history.population), history.metrics[list(TARGETS)]
