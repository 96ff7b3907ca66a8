"""The records of runs in one file, with everything that says what they are: `analognas pack`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analognas.bench.records_table import problem_of
from analognas.compose import load_task_and_space
from analognas.config.differences import MEASUREMENT, differences
from analognas.config.loader import load_run_config
from analognas.config.sections import SearchConfig
from analognas.errors import UserError
from analognas.record.directory import RunDirectory, ensure_file, holds_run, open_run
from analognas.record.records_file import Records, read_records, row_of, write_records
from analognas.runs.resume_checks import check_same_data

SAME: Final = ("task", "space", "chip", "constraints", *MEASUREMENT)
"""The sections that all records of a file share."""

KEPT: Final = ("name", "seed", *SAME, "objective", "search")
"""The sections that a file keeps."""

_LEFT_OUT: Final = ("data_notes", "measured_with", "warm_start", "device", "threads")
"""Of environment.json: what is in the configuration or in the rows, or may name a place."""


@dataclass(frozen=True)
class _Part:
    """Records of one run, or of a file that was packed before.

    Attributes:
        path: of the run or the file.
        name: of the search.
        sections: `KEPT` ones of the configuration, as plain values.
        shape: of an input, and the number of classes.
        data_sha256: of the data.
        runs: seed, strategy and environment of each run.
        rows: trainings; their `run` counts the runs of this part from 1.
    """

    path: Path
    name: str
    sections: Mapping[str, Any]
    shape: tuple[list[int], int]
    data_sha256: str
    runs: list[dict[str, Any]]
    rows: list[dict[str, Any]]


def pack(paths: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write the trials of runs that had a whole budget into one file.

    Args:
        paths: run directories, collections, and files that were packed before, which are added to; all of one task,
            space, hardware, chip, bounds, training and evaluation.
        out: the file.

    Returns:
        How many rows it has, of how many candidates and runs.

    Raises:
        UserError: when a path holds no run or damaged records, runs differ, a training is there twice, there is no
            trial, or the file cannot be written.
    """
    ensure_file(out)
    files = [read_records(path) for path in paths if path.is_file()]
    for file in files:
        problem_of(file)  # raises for a first line that describes no search, and for foreign genotypes
    runs = [open_run(path) for given in paths if not given.is_file() for path in _runs_in(given)]
    parts = [_of_file(file) for file in files] + _of_runs(runs)
    places = [part.path.resolve() for part in parts]
    if len(set(places)) < len(places):
        twice = next(part.path for part, place in zip(parts, places, strict=True) if places.count(place) > 1)
        raise UserError(f"{twice}: is named twice; name each run once")
    for part in parts[1:]:
        _check_same(parts[0], part)
    rows, provenance = _numbered(parts)
    if not rows:
        raise UserError(f"{parts[0].path}: no trial has ended yet, so there is nothing to pack")
    first = parts[0]
    shape, n_classes = first.shape
    header = {
        "name": first.name,
        "config": first.sections,
        "input_shape": shape,
        "n_classes": n_classes,
        "data_sha256": first.data_sha256,
        "runs": provenance,
    }
    write_records(out, header, rows)
    return {
        "file": str(out),
        "runs": len(provenance),
        "rows": len(rows),
        "failed": sum(bool(row["failure"]) for row in rows),
        "candidates": len({row["genotype"] for row in rows}),
    }


def _numbered(parts: Sequence[_Part]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return all rows, with the number of their run, and all runs.

    Raises:
        UserError: when a training is there twice: a run that was packed before is named again.
    """
    rows: list[dict[str, Any]] = []
    provenance: list[dict[str, Any]] = []
    seen: set[tuple[str, int]] = set()
    for part in parts:
        own = {(str(row["genotype"]), int(row["seed"])) for row in part.rows}
        if seen & own:
            raise UserError(
                f"{part.path}: {len(seen & own)} trainings are there already, of the same networks with the same "
                "seeds; leave out the run, or the file that it was packed into"
            )
        seen |= own
        rows += [{**row, "run": row["run"] + len(provenance)} for row in part.rows]
        provenance += part.runs
    return rows, provenance


def _of_file(file: Records) -> _Part:
    header = file.header
    rows = [
        {str(name): value for name, value in row.items() if value == value}  # NaN is written as nothing
        for row in file.frame.to_dict("records")
    ]
    return _Part(
        path=file.path,
        name=str(header["name"]),
        sections=file.config,
        shape=(list(header["input_shape"]), int(header["n_classes"])),
        data_sha256=str(header["data_sha256"]),
        runs=list(header["runs"]),
        rows=rows,
    )


def _of_runs(runs: Sequence[RunDirectory]) -> list[_Part]:
    parts: list[_Part] = []
    task = None
    for run in runs:
        config = load_run_config(run)[0]
        if task is None:
            task, _ = load_task_and_space(config)
        if parts:
            _check_sections(parts[0].path, parts[0].sections, run.path, config.model_dump(mode="json"))
        check_same_data(run, task)
        values = config.model_dump(mode="json")
        kept = {name: values[name] for name in KEPT}
        kept["search"] = {name: values["search"][name] for name in ("trials", "batch", "strategy")}
        rows = [row_of(1, trial) for trial in run.trials() if trial.budget == 1.0]
        shape = (list(task.input_shape), task.n_classes)
        provenance = [_provenance(run, config)]
        parts.append(_Part(run.path, config.name, kept, shape, task.fingerprint, provenance, rows))
    return parts


def _runs_in(path: Path) -> list[Path]:
    """Return a run directory, or those of a collection in order."""
    if holds_run(path) or not path.is_dir():
        return [path]
    found = [entry for entry in path.glob("training-*") if holds_run(entry)]
    return sorted(found, key=lambda entry: (len(entry.name), entry.name)) or [path]


def _check_same(first: _Part, part: _Part) -> None:
    _check_sections(first.path, first.sections, part.path, part.sections)
    if part.data_sha256 != first.data_sha256:
        raise UserError(
            f"{part.path}: is of other data than {first.path}; pack each kind into a file of its own"
        )


def _check_sections(first: Path, expected: Mapping[str, Any], path: Path, found: Mapping[str, Any]) -> None:
    before, now = ({name: one.get(name) for name in SAME} for one in (expected, found))
    told = next(differences(before, now), "")
    if told:
        told = told.replace("in the run, now", f"in {first},")
        raise UserError(
            f"{path}: was measured in another way: {told} here; pack each kind into a file of its own"
        )


def _provenance(run: RunDirectory, config: SearchConfig) -> dict[str, Any]:
    environment = {key: value for key, value in run.read_environment().items() if key not in _LEFT_OUT}
    return {"seed": config.seed, "strategy": config.search.strategy.kind, "environment": environment}
