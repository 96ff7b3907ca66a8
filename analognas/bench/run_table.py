"""Reads the trial records of a run as a table: what a search measured, searched again without training."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from analognas.bench.table import BenchTable, make_table, name_of
from analognas.errors import UserError
from analognas.metrics import SIGNS
from analognas.record.directory import open_run


def read_run_table(path: Path, target: str) -> BenchTable:
    """Return the table of the metric `target` of the completed trials; a metric to lower is negated.

    Raises:
        ValueError: when `path` is no run directory, its task or space cannot be made, it has no metric
            `target`, or too few usable trials.
    """
    from analognas.config.loader import load_run_config

    if target not in SIGNS:
        raise ValueError(f"{path}: there is no metric {target!r} to search, choose of {', '.join(SIGNS)}")
    try:
        run = open_run(path)
        config = load_run_config(run)[0]
        task = config.task.build()
        space = config.space.build(task.input_shape, task.n_classes)
        trials = run.trials()
    except UserError as error:
        raise ValueError(str(error)) from None
    completed = [trial for trial in trials if trial.status == "completed" and trial.at_full_budget]
    rejected: Counter[str] = Counter()
    for trial in trials:
        if trial.status == "failed":
            rejected["the trial failed"] += 1
        elif not trial.at_full_budget:
            rejected["the trial had a part of the budget"] += 1
    genes = len(completed[0].genotype) if completed else 0
    population = np.array([trial.genotype for trial in completed], dtype=np.int64).reshape(-1, genes)
    values = np.array([SIGNS[target] * trial.metrics[target] for trial in completed])
    if not completed:
        raise ValueError(f"{path}: the run has no completed trial, so there is nothing to search")
    return make_table(name_of(path), target, space, population, values, rejected)
