"""From what is written on a command line to a table and strategies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from analognas.bench.cell_table import table_of_cells
from analognas.bench.csv_file import read_csv
from analognas.bench.error import BenchError
from analognas.bench.gene_table import GENE, read_gene_table
from analognas.bench.strategy_text import read_strategy
from analognas.bench.synthetic import TARGET, synthetic_table
from analognas.bench.table import BenchTable
from analognas.errors import UserError
from analognas.record.records_file import holds_records
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.specs import STRATEGIES

SYNTHETIC: Final = "synthetic"


def open_table(table: str, target: str | None) -> BenchTable:
    """Return the table `synthetic`, or that of `target`: a column of a CSV file or of records, a metric of a run.

    Raises:
        BenchError: when the file is missing or unusable, or no column is named.
    """
    if table == SYNTHETIC:
        if target not in (None, TARGET):
            raise BenchError(f"the synthetic table has the column {TARGET!r} alone, got {target!r}")
        return synthetic_table()
    path = Path(table)
    if not path.exists():
        raise BenchError(
            f"{path}: no such file; give a CSV table of measured candidates, a run directory, or `{SYNTHETIC}`"
        )
    if target is None:
        raise BenchError(f"{path}: name the column to search: `target`")
    if path.name == "trials.jsonl":
        raise BenchError(
            f"{path}: give the run directory, {path.parent}: its configuration says what the genes mean"
        )
    if path.is_dir():
        from analognas.bench.run_table import read_run_table  # with the tasks, and only needed here

        return read_run_table(path, target)
    if path.is_char_device() or path.is_block_device():
        raise BenchError(f"{path}: a table must be a CSV file, this is a device")
    if _is_records(path):
        from analognas.bench.records_table import read_records_table  # with the spaces, and only needed here

        return read_records_table(path, target)
    frame = read_csv(path)
    of_genes = any(name.startswith(GENE) for name in frame.columns)
    return (read_gene_table if of_genes else table_of_cells)(path, frame, target)


def _is_records(path: Path) -> bool:
    try:
        return holds_records(path)
    except UserError as error:
        raise BenchError(str(error)) from None


def strategies_named(names: Sequence[str]) -> dict[str, StrategySpec]:
    """Return the specification of each named strategy, such as `optuna-tpe(initial=40)`, of all of them for no name.

    Raises:
        BenchError: for an unknown name with the nearest known one, an unknown option, or a value that does not fit.
    """
    if not names:
        return {name: spec.model_validate({}) for name, spec in STRATEGIES.items()}
    return dict(read_strategy(name) for name in names)


def read_bounds(texts: Sequence[str]) -> dict[str, float]:
    """Return upper bounds as written on a command line, by cost.

    >>> read_bounds(["parameters=1e6"])
    {'parameters': 1000000.0}

    Raises:
        BenchError: for a text that is no `COST=VALUE`, or a cost that is bounded twice.
    """
    bounds: dict[str, float] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        try:
            bound = float(value.replace("_", ""))
        except ValueError:
            bound = math.nan
        if not (name and equals) or not math.isfinite(bound):
            raise BenchError(f"a bound is written COST=VALUE, such as parameters=1e6, got {text!r:.60}")
        if name in bounds:
            raise BenchError(
                f"{name!r} is bounded twice: {bounds[name]:g} and {bound:g}; remove one of the two"
            )
        bounds[name] = bound
    return bounds
