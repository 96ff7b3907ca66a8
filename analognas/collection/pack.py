"""The records of runs in one file, with everything that says what they are: `analognas pack`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from analognas.compose import load_task_and_space
from analognas.config.differences import MEASUREMENT, differences
from analognas.config.loader import load_run_config
from analognas.config.sections import SearchConfig
from analognas.errors import UserError
from analognas.record.directory import RunDirectory, holds_run, open_run
from analognas.record.records_file import row_of, write_records
from analognas.runs.resume_checks import check_same_data

SAME: Final = ("task", "space", "chip", "constraints", *MEASUREMENT)
"""The sections that all records of a file share."""

KEPT: Final = ("name", "seed", *SAME, "objective", "search")
"""The sections that a file keeps."""

_LEFT_OUT: Final = ("data_notes", "measured_with", "warm_start", "device", "threads")
"""Of environment.json: what is in the configuration or in the rows, or may name a place."""


def pack(paths: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write the trials of runs that had a whole budget into one file.

    Args:
        paths: run directories and collections; all runs of one task, space, hardware, chip, bounds, training and
            evaluation.
        out: the file.

    Returns:
        How many rows it has, of how many candidates and runs.

    Raises:
        UserError: when a path holds no run, runs differ, there is no trial, or the file cannot be written.
    """
    runs = [open_run(path) for given in paths for path in _runs_in(given)]
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise UserError("a run is named twice; name each once")
    configs = [load_run_config(run)[0] for run in runs]
    task, _ = load_task_and_space(configs[0])
    for run, config in zip(runs, configs, strict=True):
        _check_same(runs[0], configs[0], run, config)
        check_same_data(run, task)
    rows = [
        row_of(number, trial)
        for number, run in enumerate(runs, start=1)
        for trial in run.trials()
        if trial.budget == 1.0
    ]
    if not rows:
        raise UserError(f"{runs[0].path}: no trial has ended yet, so there is nothing to pack")
    values = configs[0].model_dump(mode="json")
    kept = {name: values[name] for name in KEPT}
    kept["search"] = {name: values["search"][name] for name in ("trials", "batch", "strategy")}
    header = {
        "name": configs[0].name,
        "config": kept,
        "input_shape": list(task.input_shape),
        "n_classes": task.n_classes,
        "data_sha256": task.fingerprint,
        "runs": [_provenance(run, config) for run, config in zip(runs, configs, strict=True)],
    }
    write_records(out, header, rows)
    return {
        "file": str(out),
        "runs": len(runs),
        "rows": len(rows),
        "failed": sum(bool(row["failure"]) for row in rows),
        "candidates": len({row["genotype"] for row in rows}),
    }


def _runs_in(path: Path) -> list[Path]:
    """Return a run directory, or those of a collection in order."""
    if holds_run(path) or not path.is_dir():
        return [path]
    found = [entry for entry in path.glob("training-*") if holds_run(entry)]
    return sorted(found, key=lambda entry: (len(entry.name), entry.name)) or [path]


def _check_same(first: RunDirectory, expected: SearchConfig, run: RunDirectory, config: SearchConfig) -> None:
    before, now = (
        {name: value for name, value in one.model_dump(mode="json").items() if name in SAME}
        for one in (expected, config)
    )
    found = next(differences(before, now), "")
    if found:
        found = found.replace("in the run, now", f"in {first.path},")
        raise UserError(
            f"{run.path}: was measured in another way: {found} here; pack each kind into a file of its own"
        )


def _provenance(run: RunDirectory, config: SearchConfig) -> dict[str, Any]:
    environment = {key: value for key, value in run.read_environment().items() if key not in _LEFT_OUT}
    return {"seed": config.seed, "strategy": config.search.strategy.kind, "environment": environment}
