"""The trials of a run as tables: `summary.csv` (all of them) and `pareto.csv` (the front).

Both can be made again from `trials.jsonl` at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from analognas.driver.pareto import hypervolume_curve, pareto_front
from analognas.metrics import METRICS
from analognas.record.directory import write_atomically
from analognas.record.trial import Trial
from analognas.report.data import is_feasible
from analognas.strategies.problem import Objective, objective_values

if TYPE_CHECKING:
    import pandas as pd


_FIELDS: Final = (
    "seed", "threads", "device", "wall_time_s", "finished_at", "asked_after", "position", "rung", "budget",
    "elapsed_s",
)  # fmt: skip
"""Fields of a trial that are columns as they are."""


def trials_table(trials: Sequence[Trial], upper_bounds: Mapping[str, float]) -> pd.DataFrame:
    """Return one row a trial, in order of completion.

    Columns: `number`, `status`, `feasible`, `origin`; every metric, NaN where it was not measured;
        `predicted_<metric>`
    where a surrogate predicted it; `architecture` and `genotype` as JSON; `seed`, `threads`, `device`,
    `wall_time_s`, `finished_at`, `asked_after`, `position`, `rung`, `budget`, `elapsed_s`; `failure`, the reason of a
    failed trial, else empty.
    """
    import pandas as pd

    metrics = [*METRICS, *_others(METRICS, [trial.metrics for trial in trials])]
    predicted = _others((), [trial.predicted for trial in trials])
    columns: dict[str, list[object]] = {
        "number": [trial.number for trial in trials],
        "status": [trial.status for trial in trials],
        "feasible": [is_feasible(trial, upper_bounds) for trial in trials],
        "origin": [trial.origin for trial in trials],
    }
    columns |= {metric: [trial.metrics.get(metric) for trial in trials] for metric in metrics}
    columns |= {
        f"predicted_{metric}": [trial.predicted.get(metric) for trial in trials] for metric in predicted
    }
    columns |= {
        "architecture": [json.dumps(trial.architecture) for trial in trials],
        "genotype": [json.dumps(list(trial.genotype)) for trial in trials],
        **{name: [getattr(trial, name) for trial in trials] for name in _FIELDS},
        "failure": ["" if trial.failure is None else trial.failure.reason for trial in trials],
    }
    table = pd.DataFrame(columns)
    numeric = [*metrics, *(f"predicted_{metric}" for metric in predicted)]
    return table.astype(dict.fromkeys(numeric, "float64"))


def architecture_table(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return one row a trial, and a column for each symbol of the architectures, missing ones empty.

    Symbols inside others have dotted names: `blocks.0.WF`.
    """
    import pandas as pd

    return pd.DataFrame([dict(_symbols(trial.architecture)) for trial in trials])


def _symbols(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _symbols(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _symbols(inner, f"{path}.{index}")
    else:
        yield path, value


def accuracy_table(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return one row for each completed trial, time and chip: `number`, `time_s`, `chip` (from 0), `accuracy`."""
    import pandas as pd

    rows = [
        (trial.number, time_s, chip, accuracy)
        for trial in trials
        if trial.curve is not None
        for time_s, row in zip(trial.curve.times_s, trial.curve.accuracy, strict=True)
        for chip, accuracy in enumerate(row)
    ]
    return pd.DataFrame(rows, columns=["number", "time_s", "chip", "accuracy"])


def pareto_table(
    trials: Sequence[Trial], upper_bounds: Mapping[str, float], objectives: Sequence[Objective]
) -> pd.DataFrame:
    """Return the feasible trials on the front of `objectives`, the best in the last one first."""
    table = trials_table(trials, upper_bounds)
    table = table[table["feasible"].astype(bool)]
    front = table[pareto_front(table, {objective.metric: objective.sign for objective in objectives})]
    last = objectives[-1]
    return front.sort_values([last.metric, "number"], ascending=[last.sign < 0, True], ignore_index=True)


def hypervolume_table(
    trials: Sequence[Trial], upper_bounds: Mapping[str, float], objectives: Sequence[Objective]
) -> pd.DataFrame:
    """Return the hypervolume of the feasible trials after each trial: columns `number`, `hypervolume` (0 to 1)."""
    table = trials_table(trials, upper_bounds)
    curve = hypervolume_curve(objective_values(table, objectives), table["feasible"].to_numpy(dtype=bool))
    return table[["number"]].assign(hypervolume=curve)


def write_summary(path: Path, trials: Sequence[Trial], upper_bounds: Mapping[str, float]) -> None:
    """Write `summary.csv`, whole or not at all."""
    write_atomically(path, trials_table(trials, upper_bounds).to_csv(index=False, lineterminator="\n"))


def write_pareto(
    path: Path, trials: Sequence[Trial], upper_bounds: Mapping[str, float], objectives: Sequence[Objective]
) -> None:
    """Write `pareto.csv`, whole or not at all."""
    front = pareto_table(trials, upper_bounds, objectives)
    write_atomically(path, front.to_csv(index=False, lineterminator="\n"))


def write_hypervolume(
    path: Path, trials: Sequence[Trial], upper_bounds: Mapping[str, float], objectives: Sequence[Objective]
) -> None:
    """Write `hypervolume.csv`, whole or not at all."""
    curve = hypervolume_table(trials, upper_bounds, objectives)
    write_atomically(path, curve.to_csv(index=False, lineterminator="\n"))


def _others(known: Sequence[str], mappings: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the keys besides the known ones, each once, in the order they turn up."""
    keys = dict.fromkeys(key for mapping in mappings for key in mapping)
    return [key for key in keys if key not in known]
