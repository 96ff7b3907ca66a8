"""Files of records (`analognas pack`) as tables of a benchmark: several trainings of a candidate are its runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

import hwsim
from analognas.bench.error import BenchError
from analognas.bench.table import BenchTable, make_table
from analognas.errors import UserError
from analognas.metrics import sign_of
from analognas.record.records_file import Records, read_records
from analognas.record.records_header import FIRST_ROW_LINE
from analognas.spaces.specs import SpaceSection
from analognas.specs.strict import first_problem
from analognas.strategies.problem import Objective, SearchProblem
from analognas.strategies.problem_features import problem_features
from hwsim.chip_cost.network_costs import ChipUse
from search_spaces import ArchitectureSpace, Population


def read_records_table(path: Path, target: str) -> BenchTable:
    """Return the table of a column of a file of records; one that is to be lowered is negated.

    Raises:
        BenchError: when the file is damaged, has no such column, or too few usable rows.
    """
    try:
        records = read_records(path)
        problem = problem_of(records)
        population, runs, rejected = trainings_of(records, [target])
    except UserError as error:
        raise BenchError(str(error)) from None
    measured = sign_of(target) * runs[target]
    table = make_table(
        records.header["name"],
        target,
        problem.space,
        population,
        np.nanmean(measured, axis=1),
        rejected,
        runs=measured if measured.shape[1] > 1 else None,
    )
    return replace(
        table,
        bounds=problem.hard_bounds,
        hardware=problem.hardware,
        use=problem.use,
        described=problem_features(problem, table.population),
    )


def problem_of(records: Records) -> SearchProblem:
    """Return the search that records are of: space, hardware, chip and hard bounds.

    Raises:
        UserError: when the first line of the file describes none, or a genotype is none of its space.
    """
    config = records.config
    try:
        space = TypeAdapter(SpaceSection).validate_python(dict(config["space"]))
        shape, n_classes = tuple(records.header["input_shape"]), records.header["n_classes"]
        hardware = hwsim.Hardware.model_validate(config["hardware"])
        chip = None if config.get("chip") is None else hwsim.Chip.model_validate(config["chip"])
        bounds = {
            name: float(bound)
            for name, bound in (config.get("constraints") or {}).items()
            if isinstance(bound, int | float)
        }
        problem = SearchProblem(
            space.build(shape, n_classes),
            Objective("accuracy_1d", 1),
            bounds,
            hardware=hardware,
            use=None if chip is None else ChipUse.of(chip),
        )
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        reason = first_problem(error) if isinstance(error, ValidationError) else reason
        raise UserError(
            f"{records.path}: its first line describes no search ({reason:.160}); pack the runs again"
        ) from None
    _check_genotypes(records, problem.space)
    return problem


def _check_genotypes(records: Records, space: ArchitectureSpace) -> None:
    try:
        reasons = space.problems(records.population)
    except ValueError as error:
        raise UserError(
            f"{records.path}: genotypes are of another space ({error}); pack the runs again"
        ) from None
    wrong = next((row for row, reason in enumerate(reasons) if reason), None)
    if wrong is not None:
        raise UserError(
            f"{records.path}: {reasons[wrong]}, line {wrong + FIRST_ROW_LINE}; restore the file, or pack the runs again"
        )


def trainings_of(
    records: Records, columns: list[str]
) -> tuple[Population, dict[str, np.ndarray[Any, np.dtype[np.float64]]], dict[str, int]]:
    """Return the candidates, what each of their trainings measured, and how many rows were left out.

    Returns:
        `(n, genes)`; `(n, trainings)` by column, NaN where a candidate has fewer; rows by reason.

    Raises:
        UserError: when a column is missing, or a value is not finite in a row that did not fail.
    """
    population = records.population
    values = {name: records.numbers(name) for name in columns}
    failed = records.frame["failure"].fillna("").astype(str).str.len().to_numpy() > 0
    for name, column in values.items():
        wrong = np.flatnonzero(~np.isfinite(column) & ~failed)
        if len(wrong):
            raise UserError(
                f"{records.path}: the column {name!r} must hold a number in every row without a failure, line "
                f"{wrong[0] + FIRST_ROW_LINE} has {column[wrong[0]]}; remove that row"
            )
    rejected = Counter({"the training failed": int(failed.sum())} if failed.any() else {})
    places: dict[tuple[int, ...], list[int]] = {}
    for row in np.flatnonzero(~failed).tolist():
        places.setdefault(tuple(population[row].tolist()), []).append(row)
    most = max(map(len, places.values()), default=1)
    found = {name: np.full((len(places), most), np.nan) for name in columns}
    for index, rows in enumerate(places.values()):
        for name in columns:
            found[name][index, : len(rows)] = values[name][rows]
    candidates = np.array(list(places), dtype=np.int64).reshape(len(places), population.shape[1])
    return candidates, found, dict(rejected)
