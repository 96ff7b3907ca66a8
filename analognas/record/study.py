"""A run as an Optuna study, for optuna-dashboard and Optuna's plots.

The study is made from the trial records when it is asked for; no search ever writes to a database.
"""

from __future__ import annotations

import contextlib
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analognas.errors import Argument, UserError
from analognas.record.trial import Trial, candidate_key

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def write_study(
    path: Path,
    name: str,
    trials: Sequence[Trial],
    objectives: Mapping[str, int],
    upper_bounds: Mapping[str, float],
) -> None:
    """Write the trials into a new SQLite study at `path`; a study that is there already is replaced.

    Args:
        path: usually `study.db` in the run directory.
        name: of the study.
        trials: in order of completion.
        objectives: the metrics that become the trial's values, each with 1 if it is maximised, else -1.
        upper_bounds: largest allowed value by metric name; the excess is a constraint of the study, so that its best
            trial is a feasible one.

    Raises:
        UserError: when there are no trials yet, or the file cannot be written.
    """
    import optuna

    if not trials:
        raise UserError(f"{path}: the run has no trials yet, so there is nothing to put into a study")
    kinds = optuna.study.StudyDirection
    directions = [kinds.MAXIMIZE if sign > 0 else kinds.MINIMIZE for sign in objectives.values()]
    parameters = [dict(_flat(trial.architecture)) for trial in trials]
    distributions = _distributions(parameters)
    draft = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        sqlite3.connect(draft).close()
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", category=optuna.exceptions.ExperimentalWarning)
                storage = optuna.storages.RDBStorage(f"sqlite:///{draft}")
                study = optuna.create_study(storage=storage, study_name=name, directions=directions)
                study.set_metric_names(list(objectives))
                study.add_trials(
                    [
                        _frozen(trial, values, distributions, list(objectives), upper_bounds)
                        for trial, values in zip(trials, parameters, strict=True)
                    ]
                )
                storage.engine.dispose()
        finally:
            optuna.logging.set_verbosity(verbosity)
        draft.replace(path)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UserError(
            f"{path}: cannot be written: {error}; choose another folder with ", Argument("out")
        ) from None


def _frozen(
    trial: Trial,
    values: Mapping[str, Any],
    distributions: Mapping[str, BaseDistribution],
    objectives: Sequence[str],
    upper_bounds: Mapping[str, float],
) -> Any:
    import optuna

    completed = trial.status == "completed"
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState.COMPLETE if completed else optuna.trial.TrialState.FAIL,
        params=dict(values),
        distributions={name: distributions[name] for name in values},
        values=[trial.metrics[name] for name in objectives] if completed else None,
        constraints={name: trial.metrics[name] - bound for name, bound in upper_bounds.items()}
        if completed
        else None,
        user_attrs={
            "candidate": candidate_key(trial.genotype),
            "origin": trial.origin,
            **{name: value for name, value in trial.metrics.items() if name not in objectives},
            **({} if trial.failure is None else {"failure": trial.failure.reason}),
        },
    )


def _flat(
    architecture: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, int | float | str | bool]]:
    """Yield the leaves of an architecture by their dotted paths: `blocks.0.R`."""
    for key, value in architecture.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            yield from _flat({str(index): entry for index, entry in enumerate(value)}, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _distributions(parameters: Sequence[Mapping[str, Any]]) -> dict[str, BaseDistribution]:
    """Return, by name, the range of the values that occur."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    distributions: dict[str, BaseDistribution] = {}
    for name in dict.fromkeys(name for values in parameters for name in values):
        found = {values[name] for values in parameters if name in values}
        if all(isinstance(value, int) and not isinstance(value, bool) for value in found):
            distributions[name] = IntDistribution(min(found), max(found))
        else:
            distributions[name] = CategoricalDistribution(sorted(found, key=str))
    return distributions
