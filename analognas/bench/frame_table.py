"""Reads a pandas DataFrame of measured candidates: a user's own measurements of any space.

A candidate is in one column, as an architecture (a mapping as the space's `describe` gives it, or its JSON) or as a
genotype (integers, or their JSON), or in a column for each gene. `run.trials()` and `summary.csv` of a run have both.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analognas.bench.error import BenchError
from analognas.spaces.adapter import complete
from analognas.specs.problems import nearest
from search_spaces import ArchitectureSpace, Genotype, Population, SearchSpace

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Measurements:
    """What a frame holds.

    Attributes:
        space: with every ability.
        population: `(n, genes)` as read.
        values: `(n,)` as read, finite; the larger the better.
        rejected: rows that were left out, by reason.
    """

    space: ArchitectureSpace
    population: Population
    values: npt.NDArray[np.float64]
    rejected: Mapping[str, int]


def read_frame(
    frame: pd.DataFrame,
    *,
    space: SearchSpace,
    target: str,
    candidates: str | Sequence[str],
    lower_is_better: bool,
    name: str,
    input_shape: tuple[int, ...] | None,
) -> Measurements:
    """Return the measurements of the column `target`, as `BenchTable.from_frame` documents it.

    Raises:
        BenchError: when an argument does not fit, a column is missing, or no row is usable.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise BenchError(f"`frame` must be a pandas DataFrame, got {type(frame).__name__}")
    whole = _completed(space, input_shape)
    columns = [candidates] if isinstance(candidates, str) else list(candidates)
    for column in (*columns, target):
        _check_column(frame, column)
    if target in columns or not columns:
        raise BenchError(
            f"`candidates` must be columns other than the target {target!r}, got {candidates!r:.80}"
        )
    read = _from_one_column(whole) if isinstance(candidates, str) else _from_genes
    found: list[Genotype] = []
    values: list[float] = []
    rejected: Counter[str] = Counter()
    unread = ""
    cells = frame[columns].itertuples(index=False, name=None)
    for label, cell, written in zip(frame.index, cells, frame[target], strict=True):
        try:
            value = _number(written)
            genotype = _of_space(whole, read(cell[0] if isinstance(candidates, str) else cell))
        except Exception as error:  # the space of a user's own may stumble in any way over a row
            unread = (
                unread
                or f"the candidate or the value cannot be read, first in row {label!r:.40}: {_line(error)}"
            )
            rejected[unread] += 1
            continue
        if not math.isfinite(value):
            rejected["the value is not finite"] += 1
            continue
        found.append(genotype)
        values.append(-value if lower_is_better else value)
    if not found:
        told = "".join(f"; left out: {number}, {reason}" for reason, number in rejected.items())
        raise BenchError(f"{name}: a benchmark needs at least 2 usable rows, got 0{told}")
    return Measurements(whole, np.array(found, dtype=np.int64), np.array(values), rejected)


def _completed(space: SearchSpace, input_shape: tuple[int, ...] | None) -> ArchitectureSpace:
    if not isinstance(space, SearchSpace) or isinstance(space, type):
        methods = [method for method in ("sample", "mutate", "encode", "build") if not hasattr(space, method)]
        lacks = f" without `{'`, `'.join(methods)}`" if methods else ", the class itself"
        raise BenchError(
            f"`space` must be an object with the four methods of a space, got {space!r:.80}{lacks}"
        )
    whole = complete(space, input_shape or ())
    if whole is not space and input_shape is None:
        raise BenchError(
            "`input_shape` must be given for a space that does not count its networks: (channels, ...)"
        )
    return whole


def _check_column(frame: pd.DataFrame, column: str) -> None:
    known = [str(name) for name in frame.columns]
    if column not in frame.columns:
        raise BenchError(f"`frame` has no column {column!r}{nearest(str(column), known)}")
    if known.count(str(column)) > 1:
        raise BenchError(
            f"`frame` has the column {column!r} {known.count(str(column))} times; keep one of them"
        )


def _number(written: Any) -> float:
    """Return a number, or the first of `mean ± std`.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(written, bool):
        raise ValueError(f"must be a number, got {written}")
    return float(written.split("±")[0]) if isinstance(written, str) else float(written)


def _from_one_column(space: ArchitectureSpace) -> Callable[[Any], Genotype]:
    def read(written: Any) -> Genotype:
        if isinstance(written, str):
            written = json.loads(written.replace("(", "[").replace(")", "]"))
        return space.parse(written) if isinstance(written, Mapping) else _from_genes(written)

    return read


def _from_genes(written: Any) -> Genotype:
    """Return integers as a genotype; whole numbers that pandas made floats of count as integers.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(written, Sequence | np.ndarray) or isinstance(written, str):
        raise ValueError(f"a candidate must be an architecture or integers, got {written!r:.40}")
    return tuple(
        int(gene) if isinstance(gene, float) and gene.is_integer() else index(gene) for gene in written
    )


def _of_space(space: ArchitectureSpace, genotype: Genotype) -> Genotype:
    """Return a genotype once its space knows it.

    Raises:
        ValueError: when it does not.
    """
    space.canonical(np.array([genotype], dtype=np.int64))
    return genotype


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:160]
