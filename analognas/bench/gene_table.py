"""Reads tables of any categorical search space, with repeated trainings: one candidate a row.

- `gene_*`: the genes in order; their values are texts or numbers and have no order;
- the target, either one column `NAME`, or one for each training: `NAME@0`, `NAME@1`, ...;
- `parameters`, `macs` and any other numeric column: costs, which a search may bound.

Rows without a finite value of the target or of a cost are left out and counted. A row may have fewer trainings than
others; its empty cells are no trainings.

References:
    X. Su et al., Prioritized architecture sampling with Monte-Carlo tree search, CVPR 2021, arXiv 2103.11922
    (NAS-Bench-Macro, whose candidates are in this form).
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from analognas.bench.error import BenchError
from analognas.bench.gene_space import GeneSpace
from analognas.bench.table import BenchTable, make_table, name_of
from analognas.specs.problems import nearest

if TYPE_CHECKING:
    import pandas as pd

GENE: Final = "gene_"
"""Begins the name of a column of genes."""

_RUN: Final = re.compile(r"(.+)@(\d+)")

Values = npt.NDArray[np.float64]


def read_gene_table(path: Path, frame: pd.DataFrame, target: str) -> BenchTable:
    """Return the table of `target`.

    Args:
        path: of the file, for messages.
        frame: its cells as texts.
        target: a column, or the part before the `@` of several.

    Raises:
        BenchError: when there is no such target, a cost is no number, or too few rows are usable.
    """
    genes = [name for name in frame.columns if name.startswith(GENE)]
    others = [name for name in frame.columns if not name.startswith(GENE)]
    runs = _runs(others)
    measured = runs.get(target) or ([target] if target in others and "@" not in target else [])
    if not measured:
        known = dict.fromkeys([*runs, *(name for name in others if _RUN.fullmatch(name) is None)])
        raise BenchError(f"{path}: there is no column {target!r} to search{nearest(target, list(known))}")
    trained = _numbers(frame, measured)
    costs = _costs(frame, [name for name in others if name not in measured and _RUN.fullmatch(name) is None])
    usable = np.isfinite(trained).any(axis=1)
    rejected = Counter({"no training has a finite value": int((~usable).sum())})
    empty = usable & (frame[genes].apply(lambda column: column.str.strip()) == "").any(axis=1).to_numpy()
    rejected["a gene is empty"] = int(empty.sum())
    usable &= ~empty
    for name, column in costs.items():
        missing = usable & ~np.isfinite(column)
        rejected[f"the cost {name!r} is not finite"] += int(missing.sum())
        usable &= ~missing
    rows = np.flatnonzero(usable)
    if len(rows) < 2:
        why = "".join(f"; left out: {number}, {reason}" for reason, number in rejected.items() if number)
        raise BenchError(f"{path}: a benchmark needs at least 2 usable rows, got {len(rows)}{why}")
    codes, values = _codes(frame.iloc[rows], genes)
    space = GeneSpace(tuple(name.removeprefix(GENE) for name in genes), values)
    return make_table(
        name_of(path),
        target,
        space,
        codes,
        _means(trained[rows]),
        {reason: number for reason, number in rejected.items() if number},
        runs=trained[rows],
        costs={name: column[rows] for name, column in costs.items()},
    )


def _runs(columns: list[str]) -> dict[str, list[str]]:
    """Return the columns of repeated trainings by target, in order of their numbers."""
    found: dict[str, dict[int, str]] = {}
    for name in columns:
        match = _RUN.fullmatch(name)
        if match is not None:
            found.setdefault(match.group(1), {})[int(match.group(2))] = name
    return {target: [named[number] for number in sorted(named)] for target, named in found.items()}


def _numbers(frame: pd.DataFrame, columns: list[str]) -> Values:
    """Return `(rows, columns)` numbers, NaN where a cell has none."""
    import pandas as pd

    numbers = [pd.to_numeric(frame[name].str.split("±").str[0], errors="coerce") for name in columns]
    values = np.stack([column.to_numpy(dtype=np.float64) for column in numbers], axis=1)
    return np.where(np.isfinite(values), values, np.nan)


def _costs(frame: pd.DataFrame, columns: list[str]) -> dict[str, Values]:
    """Return the columns that hold numbers alone, or nothing at all in some rows; texts are no costs."""
    costs = {}
    for name in columns:
        values = _numbers(frame, [name])[:, 0]
        if not (np.isnan(values) & (frame[name].str.strip() != "").to_numpy()).any():
            costs[name] = values
    return costs


def _means(trained: Values) -> Values:
    return np.asarray(np.nanmean(trained, axis=1))


def _codes(
    frame: pd.DataFrame, genes: list[str]
) -> tuple[npt.NDArray[np.int64], tuple[tuple[str, ...], ...]]:
    """Return `(rows, genes)` codes, and the values of each gene in order: numbers by size, then texts."""
    columns, values = [], []
    for name in genes:
        texts = frame[name].str.strip()
        known = sorted(texts.unique(), key=_in_order)
        columns.append(texts.map({text: code for code, text in enumerate(known)}).to_numpy(dtype=np.int64))
        values.append(tuple(known))
    return np.stack(columns, axis=1), tuple(values)


def _in_order(text: str) -> tuple[bool, float, str]:
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text
