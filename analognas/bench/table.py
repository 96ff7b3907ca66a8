"""A table of measured candidates that stands in for training them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analognas.bench.table_space import TableSpace
from analognas.strategies import Objective, SearchProblem
from search_spaces import Population

if TYPE_CHECKING:
    import pandas as pd

    from search_spaces import ArchitectureSpace


@dataclass(frozen=True)
class BenchTable:
    """Candidates and what each of them measured.

    Attributes:
        name: for reports.
        target: name of the measured column.
        space: the candidates as a search space.
        population: `(n, genes)` canonical, different, buildable.
        values: `(n,)` measured, in the unit of the column; the larger the better.
        rejected: how many rows of the file were left out, by reason.
    """

    name: str
    target: str
    space: TableSpace
    population: Population
    values: npt.NDArray[np.float64]
    rejected: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.population)

    @property
    def problem(self) -> SearchProblem:
        """The search for the best row."""
        return SearchProblem(self.space, Objective(self.target, 1), {})

    def measure(self, population: Population) -> pd.DataFrame:
        """Return what the candidates measured, one column, `(n, 1)`.

        Raises:
            ValueError: when a candidate is not in the table.
        """
        import pandas as pd

        rows = self.space.rows(population)
        if (rows < 0).any():
            outside = population[int(np.argmax(rows < 0))].tolist()
            raise ValueError(f"{outside} is not in the table {self.name} and was proposed all the same")
        return pd.DataFrame({self.target: self.values[rows]})

    def regret(self, population: Population) -> npt.NDArray[np.float64]:
        """Return how far the best of the first k candidates is from the best row, for k = 1 .. n, `(n,)`.

        Raises:
            ValueError: when a candidate is not in the table.
        """
        values = self.measure(population)[self.target].to_numpy(dtype=np.float64)
        return np.asarray(self.values.max() - np.maximum.accumulate(values))


def make_table(
    name: str,
    target: str,
    space: ArchitectureSpace,
    population: Population,
    values: npt.NDArray[np.float64],
    rejected: Mapping[str, int],
) -> BenchTable:
    """Return the table of the usable rows: what cannot be built, or comes twice, is left out and counted.

    Args:
        name: for reports.
        target: name of the measured column.
        space: that the candidates were drawn from.
        population: `(n, genes)` as read.
        values: `(n,)` as read, finite.
        rejected: rows that the reader left out, by reason.

    Raises:
        ValueError: when fewer than two rows are left.
    """
    counts = dict(rejected)
    buildable = np.array([not problem for problem in space.problems(population)], dtype=np.bool_)
    _count(counts, "the network cannot be built", int((~buildable).sum()))
    canonical, values = space.canonical(population[buildable]), values[buildable]
    _, first = np.unique(canonical, axis=0, return_index=True)
    _count(counts, "the same network as an earlier row", len(canonical) - len(first))
    rows = np.sort(first)
    if len(rows) < 2:
        why = "".join(f"; left out: {number}, {reason}" for reason, number in counts.items())
        raise ValueError(f"{name}: a benchmark needs at least 2 usable rows, got {len(rows)}{why}")
    kept = canonical[rows]
    return BenchTable(name, target, TableSpace(space, kept), kept, values[rows], counts)


def _count(counts: dict[str, int], reason: str, number: int) -> None:
    if number:
        counts[reason] = counts.get(reason, 0) + number


def name_of(path: Path) -> str:
    """Return the name that a table read from `path` has in reports."""
    return path.stem
