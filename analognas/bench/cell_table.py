"""Reads tables of NAS-Bench-201 cells: AnalogNAS-Bench and NATS-Bench as CSV.

- `architecture`: six operation codes, such as `(0, 1, 2, 3, 2, 2)` (AnalogNAS-Bench);
- `ArchitectureString` or `cellstr`: `|nor_conv_3x3~0|+|...|` (NATS-Bench).

A value may be a number or `mean ± std`, of which the mean is taken. Rows with a cell or a value that cannot
be read, or with a value that is not finite, are left out and counted.

References:
    X. Dong et al., NATS-Bench: Benchmarking NAS algorithms for architecture topology and size, IEEE TPAMI
    2021, arXiv 2009.00437.
    AnalogNAS-Bench: a NAS benchmark for analog in-memory computing, 2025, arXiv 2506.18495.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from analognas.bench.csv_file import read_csv
from analognas.bench.error import BenchError
from analognas.bench.gene_table import GENE
from analognas.bench.table import BenchTable, make_table, name_of
from analognas.specs.problems import nearest
from search_spaces import Genotype
from search_spaces.nasbench201 import NasBench201Space, from_arch

if TYPE_CHECKING:
    import pandas as pd

CODE_COLUMN: Final = "architecture"
STRING_COLUMNS: Final = ("ArchitectureString", "cellstr")


def read_cell_table(path: Path, target: str) -> BenchTable:
    """Return the table of column `target`.

    Raises:
        BenchError: when the file is no such CSV, has no column `target`, or too few usable rows.
    """
    return table_of_cells(path, read_csv(path), target)


def table_of_cells(path: Path, frame: pd.DataFrame, target: str) -> BenchTable:
    """Return the table of column `target` of `(rows, columns)` texts.

    Raises:
        BenchError: when there are no cells, no column `target`, or too few usable rows.
    """
    names = (CODE_COLUMN, *STRING_COLUMNS)
    column = next((name for name in names if name in frame.columns), None)
    if column is None:
        raise BenchError(
            f"{path}: a table needs a column of cells ({' or '.join(names)}), or columns of genes ({GENE}*)"
        )
    if target not in frame.columns or target == column:
        others = [name for name in frame.columns if name != column]
        raise BenchError(f"{path}: there is no column {target!r} to search{nearest(target, others)}")
    read = _codes if column == CODE_COLUMN else from_arch
    cells: list[Genotype] = []
    values: list[float] = []
    rejected: Counter[str] = Counter()
    for text, number in zip(frame[column], frame[target], strict=True):
        try:
            cell, value = read(text.strip()), float(number.split("±")[0])
        except ValueError:
            rejected["the cell or the value cannot be read"] += 1
            continue
        if not math.isfinite(value):
            rejected["the value is not finite"] += 1
            continue
        cells.append(cell)
        values.append(value)
    # Each listed cell is a measurement of its own: equal cells are not merged.
    space = NasBench201Space(merge_isomorphic=False)
    population = np.array(cells, dtype=np.int64).reshape(-1, 6)
    return make_table(name_of(path), target, space, population, np.array(values), rejected)


def _codes(text: str) -> Genotype:
    codes = json.loads(text.replace("(", "[").replace(")", "]"))
    if not isinstance(codes, list) or len(codes) != 6 or any(type(code) is not int for code in codes):
        raise ValueError(f"a cell has six operation codes, got {text!r}")
    return tuple(codes)
