"""How far a model of measured networks carries: to another task, to other hardware, to another space.

    python scripts/reproduce/models_elsewhere.py [--sample sample.csv]

Printed are Kendall's tau of models that `analognas surrogate fit` would make of the records in `collections`, with 95 %
intervals over networks (bootstrap), and the mean share of a prediction that the model itself calls unknown:

- of each task by a model of the two others, with each set of shares of bounds as features;
- of the same digits networks on nine kinds of hardware, by a model of spoken digits and CIFAR-10 on `pcm-hermes-2`;
- of AnalogNAS-Bench (`--sample`, a CSV of its cells: larger networks, trained longer), by a model of all three tasks.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

import hwsim
from analognas.bench import BenchTable, open_table
from analognas.bench.records_table import problem_of, trainings_of
from analognas.errors import UserError
from analognas.pretraining.fit import FITTED_SHARES
from analognas.record.records_file import read_records
from analognas.strategies.problem_features import problem_features, with_shares
from surrogates import kendall_tau
from surrogates.architecture_features import architecture_features
from surrogates.rank_model import RankModel
from surrogates.rank_model_fit import TrainingTable, fit_rank_model
from surrogates.rank_recipes import RECIPES

COLLECTIONS: Final = Path(__file__).parent / "collections"
TASKS: Final = ("digits", "fsdd", "cifar10")
TARGETS: Final = ("accuracy_1d", "std_1d", "avm")
SHARES: Final = {
    "parameters, tiles, energy": ("parameters", "tiles", "energy_uj"),
    "parameters": FITTED_SHARES,
    "none": (),
}
RESAMPLED: Final = 400

Values = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Judge models of measured networks on what they do not know."
    )
    parser.add_argument("--sample", type=Path, help="cells of AnalogNAS-Bench")
    options = parser.parse_args()
    try:
        cells = None if options.sample is None else open_table(str(options.sample), "finetuned_drift_86400")
    except UserError as error:
        raise SystemExit(str(error)) from None
    tables = {task: read(COLLECTIONS / f"{task}.csv.gz") for task in TASKS}
    for name, shares in SHARES.items():
        print(f"a task by a model of the others, shares of bounds: {name}")
        own = {task: limited(table, shares) for task, table in tables.items()}
        for task, table in own.items():
            show(task, fitted([other for other in TASKS if other != task], own), table, TARGETS)
    own = {task: limited(table, FITTED_SHARES) for task, table in tables.items()}
    print("digits on other hardware by a model of fsdd and cifar10")
    model = fitted(("fsdd", "cifar10"), own)
    for path in sorted((COLLECTIONS / "hardware").glob("*.csv.gz")):
        show(path.name.split(".")[0], model, limited(read(path), FITTED_SHARES), TARGETS)
    if cells is not None:
        on_the_benchmark(cells, fitted(TASKS, own))


def read(path: Path) -> TrainingTable:
    """Return the networks of a file of records, with the mean of their trainings."""
    records = read_records(path)
    population, found, _ = trainings_of(records, list(TARGETS))
    values = pd.DataFrame({name: np.nanmean(runs, axis=1) for name, runs in found.items()})
    return TrainingTable(path.name, problem_features(problem_of(records), population), values)


def limited(table: TrainingTable, shares: Sequence[str]) -> TrainingTable:
    """Return a table whose features hold these shares of bounds alone."""
    return replace(table, features=with_shares(table.features, shares))


def fitted(tasks: Sequence[str], tables: dict[str, TrainingTable]) -> RankModel:
    """Return a model of some tasks."""
    return fit_rank_model([tables[task] for task in tasks], np.random.default_rng(0), RECIPES[:1])


def show(name: str, model: RankModel, table: TrainingTable, targets: Sequence[str]) -> None:
    """Print how well a model orders the networks of a table."""
    predicted = model.predict(table.features).mean
    taus = ", ".join(
        f"{target} {with_interval(table.targets[target].to_numpy(), predicted[target].to_numpy())}"
        for target in targets
    )
    unknown = model.unknown(table.features).mean()
    print(f"    {name}, {len(table.features)} networks: {taus}; unknown {unknown:.0%}", flush=True)


def with_interval(measured: Values, predicted: Values) -> str:
    """Return τ with its 95 % interval over networks."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(measured), size=len(measured)) for _ in range(RESAMPLED)]
    low, high = np.quantile([kendall_tau(measured[rows], predicted[rows]) for rows in drawn], (0.025, 0.975))
    return f"{kendall_tau(measured, predicted):+.2f} [{low:+.2f}, {high:+.2f}]"


def on_the_benchmark(table: BenchTable, model: RankModel) -> None:
    """Print how well a model orders cells of AnalogNAS-Bench after a day."""
    parameters = table.space.parameters(table.population)
    shares = {"parameters": parameters / parameters.max()}
    graph = table.space.layer_graph(table.population)
    features = architecture_features(graph, hwsim.preset("pcm-analognas"), shares)
    print("AnalogNAS-Bench by a model of digits, fsdd and cifar10")
    show(
        table.name,
        model,
        TrainingTable("cells", features, pd.DataFrame({"accuracy_1d": table.values})),
        ("accuracy_1d",),
    )


if __name__ == "__main__":
    main()
