from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from analognas.metrics import METRICS
from analognas.report import best_so_far, pareto_table, trials_table, write_pareto, write_summary
from analognas.strategies.problem import Objective

FRONT = [Objective("accuracy_1d", 1), Objective("parameters", -1)]
BOUNDS = {"parameters": 60_000.0, "avm": 0.02}


def test_summary_holds_every_trial_exactly(runs: ModuleType, tmp_path: Path) -> None:
    trials = runs.trials(40, failed=0.2)
    write_summary(tmp_path / "summary.csv", trials, BOUNDS)
    table = pd.read_csv(tmp_path / "summary.csv", keep_default_na=False, na_values=[""])
    assert table["number"].tolist() == list(range(40))
    for trial, (_, row) in zip(trials, table.iterrows(), strict=True):
        assert row["status"] == trial.status
        assert json.loads(row["architecture"]) == trial.architecture
        assert tuple(json.loads(row["genotype"])) == trial.genotype
        for metric in METRICS:
            expected = trial.metrics.get(metric, np.nan)
            assert row[metric] == expected or (np.isnan(row[metric]) and np.isnan(expected))
        assert row["feasible"] == (
            trial.status == "completed"
            and trial.metrics["parameters"] <= 60_000
            and trial.metrics["avm"] <= 0.02
        )
        assert (row["failure"] if isinstance(row["failure"], str) else "") == (
            trial.failure.reason if trial.failure else ""
        )
    assert {"predicted_accuracy_1d", "predicted_avm"} <= set(table.columns)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.csv"]


def test_pareto_keeps_what_no_feasible_trial_beats(runs: ModuleType, tmp_path: Path) -> None:
    trials = runs.trials(120)
    write_pareto(tmp_path / "pareto.csv", trials, BOUNDS, FRONT)
    front = pd.read_csv(tmp_path / "pareto.csv")
    assert front["feasible"].all()
    assert front["parameters"].is_monotonic_increasing
    assert front["accuracy_1d"].is_monotonic_increasing
    table = trials_table(trials, BOUNDS)
    for _, row in table[table["feasible"]].iterrows():
        assert (
            (front["accuracy_1d"] >= row["accuracy_1d"]) & (front["parameters"] <= row["parameters"])
        ).any()


def test_a_run_without_trials_has_empty_tables(tmp_path: Path) -> None:
    write_summary(tmp_path / "summary.csv", [], {})
    assert set(METRICS) <= set(pd.read_csv(tmp_path / "summary.csv").columns)
    assert pareto_table([], {}, FRONT).empty


def test_best_so_far_is_the_value_of_the_trial_that_is_worth_most() -> None:
    values = np.array([np.nan, 0.9, 0.95, 0.85, 0.99, np.nan, 0.6, 0.85])
    worth = np.array([np.nan, np.nan, 0.7, 0.85, 0.8, 0.99, 0.6, 0.85])
    expected = [np.nan, np.nan, 0.95, 0.85, 0.85, 0.85, 0.85, 0.85]
    np.testing.assert_array_equal(best_so_far(values, worth), expected)


@pytest.mark.parametrize("n", [0, 3])
def test_best_so_far_where_no_trial_counts(n: int) -> None:
    best = best_so_far(np.full(n, 0.5), np.full(n, np.nan))
    assert best.shape == (n,)
    assert np.isnan(best).all()
