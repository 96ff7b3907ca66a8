"""Fits a model on files of records, and says in its card what it knows: `analognas surrogate fit`.

Files of several tasks on one hardware give a model of ranks, which carry over to other tasks. Files of one task on
several hardware give a model of values, which knows the hardware by its features and says what networks of that task
would measure on another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

import hwsim
from analognas.bench.records_table import problem_of, trainings_of
from analognas.config.differences import differences
from analognas.errors import Argument, UserError
from analognas.pretraining.hardware import leave_one_hardware_out, pooled
from analognas.record.directory import ensure_file
from analognas.record.environment import package_versions
from analognas.record.records_file import Records, read_records
from analognas.strategies.pretrained_file import Pretrained, physics, write_pretrained
from analognas.strategies.problem_features import problem_features, with_shares
from surrogates.architecture_features import FEATURES
from surrogates.hardware_features import HARDWARE_FEATURES, hardware_features
from surrogates.kendall import kendall_or_zero
from surrogates.rank_model import RankModel
from surrogates.rank_model_fit import TrainingTable, fit_rank_model
from surrogates.rank_recipes import RECIPES

TARGETS: Final = ("accuracy_1d", "std_1d", "avm")

FITTED_SHARES: Final = ("parameters",)
"""Bounds whose shares a model is fitted on. Without that of the parameters, a task left out is ordered worse (τ 0.45
for 0.49, 0.49 for 0.54, 0.58 for 0.60); those of tiles and energy change nothing, and a search needs such bounds."""

FEWEST: Final = 20
"""Candidates of a table: a fold of a cross-validation has four of them."""

_PACKAGES: Final = ("analognas", "xgboost", "numpy", "torch")


def fit_pretrained(
    paths: Sequence[Path], out: Path, *, targets: Sequence[str] = TARGETS, name: str = "", seed: int = 0
) -> Pretrained:
    """Fit a model on files of records and write it.

    Args:
        paths: files of `analognas pack`, of the same kind of space; either tasks or hardware may differ.
        out: the model.
        targets: columns to predict.
        name: of the model; empty: that of the file.
        seed: of folds and trees.

    Raises:
        UserError: when a file is damaged, lacks a column, has too few rows, or is of another space, files differ in
            task and hardware, two are of the same, or the model cannot be written.
    """
    if not paths:
        raise UserError(Argument("tables"), " must name at least one file of records, got none")
    if len({path.resolve() for path in paths}) < len(paths):
        raise UserError("a file of records is named twice; name each once")
    if len(set(targets)) < len(targets) or not targets:
        raise UserError(Argument("target"), f" must be different columns, at least one, got {list(targets)}")
    ensure_file(out)
    files = [read_records(path) for path in paths]
    _check_same_space(files)
    several = any(_other_hardware(files[0], file) for file in files[1:])
    if several:
        _check_same_but_for_hardware(files)
    else:
        _check_other_tasks(files)
    tables = _same_features([_table(file, targets) for file in files])
    rng = np.random.default_rng(seed)
    try:
        left_out: dict[str, Any] = {}
        fitted = tables
        if several:
            tables = [_with_hardware(file, table) for file, table in zip(files, tables, strict=True)]
            fitted = [pooled(tables, name or out.name.split(".")[0])]
            hardware = [file.config["hardware"] for file in files]
            left_out["leave_one_hardware_out"] = leave_one_hardware_out(tables, hardware, seed)
        model = fit_rank_model(fitted, rng)
    except ValueError as error:
        raise UserError(str(error)) from None
    card = {
        "name": name or out.name.split(".")[0],
        "seed": seed,
        "versions": {package: package_versions()[package] for package in _PACKAGES},
        "features": {feature: _meaning(feature) for feature in model.features},
        "tables": [_card_of(file, table) for file, table in zip(files, tables, strict=True)],
        "held_out": {table: dict(taus) for table, taus in model.held_out.items()},
        "leave_one_out": {} if several else _leave_one_out(tables, seed),
        **left_out,
    }
    write_pretrained(out, card, model)
    return Pretrained(out, card, model)


def _check_same_space(files: Sequence[Records]) -> None:
    first = files[0]
    for other in files[1:]:
        kinds = [file.config["space"].get("kind") for file in (first, other)]
        if kinds[0] != kinds[1]:
            raise UserError(
                f"{other.path}: is of another space than {first.path}: {kinds[1]}, not {kinds[0]}; fit one model a "
                "space"
            )


def _check_same_but_for_hardware(files: Sequence[Records]) -> None:
    """Check that files of several hardware share everything else: only then their values compare."""
    first = files[0]
    for other in files[1:]:
        if other.header["data_sha256"] != first.header["data_sha256"]:
            found = next(filter(None, (_other_hardware(first, file) for file in files[1:])))
            raise UserError(
                f"{other.path}: is of other data than {first.path}, and files differ in hardware ({found}); fit one "
                "model a hardware, or one of a task on several hardware"
            )
        for section in ("task", "space", "training", "evaluation", "constraints"):
            before, now = (file.config.get(section) or {} for file in (first, other))
            if told := next(differences(before, now, section), ""):
                told = told.replace("in the run, now", f"in {first.path},")
                raise UserError(
                    f"{other.path}: records of several hardware must share `{section}`: {told} here"
                )


def _check_other_tasks(files: Sequence[Records]) -> None:
    """Check that files of one hardware are of different data: a task in two files would seem left out, and is not."""
    seen: dict[str, Path] = {}
    for file in files:
        digest = str(file.header["data_sha256"])
        if digest in seen:
            raise UserError(
                f"{file.path}: is of the same data and hardware as {seen[digest]}; pack both into one file with "
                "`analognas pack`, or fit one model each"
            )
        seen[digest] = file.path


def _other_hardware(first: Records, other: Records) -> str:
    """Return what is different between the hardware of two files; empty where nothing is."""
    before, now = (physics(file.config["hardware"]) for file in (first, other))
    return next(differences(before, now, "hardware"), "").replace("in the run, now", f"in {first.path},")


def _table(file: Records, targets: Sequence[str]) -> TrainingTable:
    """Return the candidates of a file, each once, with the mean of their trainings."""
    problem = problem_of(file)
    population, found, _ = trainings_of(file, list(targets))
    if len(population) < FEWEST:
        raise UserError(
            f"{file.path}: at least {FEWEST} measured candidates are needed, got {len(population)}"
        )
    for name, runs in found.items():
        if np.nanmin(runs) == np.nanmax(runs):
            raise UserError(
                f"{file.path}: the column {name!r} is {np.nanmin(runs):g} in every row, which orders no candidates; "
                "choose other columns with ",
                Argument("target"),
            )
    values = pd.DataFrame({name: np.nanmean(runs, axis=1) for name, runs in found.items()})
    features = with_shares(problem_features(problem, population), FITTED_SHARES)
    return TrainingTable(str(file.header["name"]), features, values)


def _same_features(tables: Sequence[TrainingTable]) -> list[TrainingTable]:
    """Return the tables with the features that all of them have, and names that differ."""
    common = [name for name in tables[0].features if all(name in table.features for table in tables)]
    names = [table.name for table in tables]
    return [
        replace(
            table,
            name=table.name if names.count(table.name) == 1 else f"{table.name}-{number}",
            features=table.features[common],
        )
        for number, table in enumerate(tables, start=1)
    ]


def _with_hardware(file: Records, table: TrainingTable) -> TrainingTable:
    """Return a table with the features of its hardware, and numbers of its networks that all files share."""
    hardware = hwsim.Hardware.model_validate(file.config["hardware"])
    own = hardware_features(hardware, len(table.features))
    population, _, _ = trainings_of(file, [])
    numbers = np.array([_number(tuple(row)) for row in population.tolist()], dtype=np.intp)
    return replace(
        table, features=pd.concat([table.features.reset_index(drop=True), own], axis=1), networks=numbers
    )


def _number(genotype: tuple[int, ...]) -> int:
    """Return a number of a network, the same in every file."""
    return int(hashlib.sha256(repr(genotype).encode()).hexdigest()[:12], 16)


def _leave_one_out(tables: Sequence[TrainingTable], seed: int) -> dict[str, dict[str, float]]:
    """Return τ of each table by a model of all others; empty for a single one."""
    if len(tables) < 2:
        return {}
    found = {}
    for number, table in enumerate(tables):
        others = [one for index, one in enumerate(tables) if index != number]
        model: RankModel = fit_rank_model(others, np.random.default_rng(seed), RECIPES[:1])
        mean = model.predict(table.features).mean
        found[table.name] = {name: kendall_or_zero(table.targets[name], mean[name]) for name in mean.columns}
    return found


def _card_of(file: Records, table: TrainingTable) -> dict[str, Any]:
    config, header = file.config, file.header
    return {
        "name": table.name,
        "sha256": hashlib.sha256(file.path.read_bytes()).hexdigest(),
        "candidates": len(table.features),
        "trainings": int((file.frame["failure"].fillna("").astype(str) == "").sum()),
        "task": dict(config["task"]),
        "data_sha256": header["data_sha256"],
        "input_shape": header["input_shape"],
        "n_classes": header["n_classes"],
        "space": dict(config["space"]),
        "hardware": dict(config["hardware"]),
        "chip": None if config.get("chip") is None else config["chip"].get("name"),
        "constraints": {
            name: bound for name, bound in (config.get("constraints") or {}).items() if bound is not None
        },
        "training": dict(config["training"]),
        "evaluation": dict(config["evaluation"]),
        "seeds": [run["seed"] for run in header["runs"]],
    }


def _meaning(feature: str) -> str:
    share = feature.removeprefix("log_share_")
    if share != feature:
        return f"share of the bound on {share}"
    return {**FEATURES, **HARDWARE_FEATURES}[feature]
